"""The Python half of ftd's recipe steps.

Every step is one module with one function. It takes keyword arguments that
JSON can hold, writes its result below ``output_dir``, and returns a dict of
named outputs. What goes wrong because of what a person gave us is raised as
:class:`ftd_steps.errors.StepError`, with a remedy.

The functions run inside the ftd daemon, in one interpreter that stays warm;
so a module imports MindSpore only inside the function that needs it, and
nothing here changes the process for the call that comes after.
"""
