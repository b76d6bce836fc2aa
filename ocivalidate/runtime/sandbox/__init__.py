"""A sandbox: a kernel of our own beside this host's, in which the engine drives the runtime.

The command line stays outside; the engine, its cases and the runtime are inside, as root of a machine that ends with
the run. So an ordinary user gets every case judged, whatever control groups the host has.

``wanted`` reads what is asked for. ``machines`` is the table of machines: ``uml`` (its kernel is found by ``kernels``)
and ``qemu`` (``images``, ``modules``, ``initrd``, ``kvm``); what both are booted with is in ``booting`` and ``disks``.
``seeing`` and ``showing`` tell which files of the host the guest needs and hand them on. ``keeper`` is the process that
stands between the command line and the guest (``enclosing``, ``relaying``, ``last_words``), ``guest`` the first process
inside, and ``splitting`` makes one engine of those in several guests.
"""
