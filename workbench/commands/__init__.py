"""The commands, by what they are about; :mod:`workbench.cli` puts them together."""
