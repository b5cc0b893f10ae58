"""What runs inside the training's own process.

``python -m ftd_train --config FILE`` trains as mindformers' run_mindformer.py
does, for the wheels that come without it. The modules ``cell`` and
``callbacks`` are named by the key ``auto_register`` of a mindformers YAML and
found through REGISTER_PATH; so they work under a checkout's run_mindformer.py
as well.
"""
