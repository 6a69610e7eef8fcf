"""Cox regression for inference: what each characteristic does to the hazard, and how surely.

Read in this order: ``risk_sets`` (who is at risk when), ``likelihood``, ``newton``, ``fit``,
``record``; then what is asked of a fit.
"""
