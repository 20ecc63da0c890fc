"""The cluster's configuration files. Each line that is not a matter of course says why."""

from __future__ import annotations

import socket
import stat
from os import makedev, mknod

from tests.slurm.lab.layout import GPUS_PER_NODE, NODES, Layout

# A process that is told to end has so many seconds before SIGKILL; slurmd takes no fewer than 5.
KILL_WAIT = 5
# A requeued job starts again when the credential of its last start has lapsed, counted from its
# end: 7 s after a prompt end, 12 s after SIGKILL. Shorter than KILL_WAIT, the second start could
# meet the first one's processes and drain the node; below 5, Slurm takes 120.
CREDENTIAL_SECONDS = 6
# A node that does not answer is down 20 s after its end: this time, the wait for an answer (twice)
# and the pause between two questions. Shorter ones take a busy machine for a dead node.
NODE_TIMEOUT = 10
MESSAGE_TIMEOUT = 5
# An array has at most so many tasks; 64 is also its highest index.
MAX_ARRAY_SIZE = 65
# What one user may have in the queue under --qos=few; another task is refused.
FEW = 8

SLURM = """\
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={layout.port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={layout.munge_socket},cred_expire={credential_seconds}
CredType=cred/munge
StateSaveLocation={layout.state}
SlurmdSpoolDir={layout.folder}/spool/%n
SlurmctldPidFile={layout.state}/slurmctld.pid
SlurmdPidFile={layout.state}/slurmd.%n.pid
SlurmctldLogFile={layout.logs}/slurmctld.log
SlurmdLogFile={layout.logs}/slurmd.%n.log
SlurmctldDebug=verbose
SlurmdDebug=verbose

# No cgroups, no affinity: the nodes share one small machine.
MpiDefault=pmi2
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill

# A quick scheduler: tests wait for it.
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1,\
bf_yield_interval=100000,default_queue_depth=1000,partition_job_depth=0,bf_max_job_test=1000
MaxArraySize={max_array_size}
MinJobAge=300
DefMemPerCPU=500

# What a university's cluster does to jobs.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
OverTimeLimit=0
KillWait={kill_wait}
SlurmdTimeout={node_timeout}
MessageTimeout={message_timeout}
ReturnToService=2

AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={layout.database_port}
AccountingStoragePass={layout.munge_socket}
AccountingStorageTRES=gres/gpu
AccountingStorageEnforce=limits,qos

# The nodes' CPUs and memory are invented.
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={nodes} NodeHostname={host} NodeAddr=127.0.0.1 Port={node_ports} CPUs=8 Boards=1 \
SocketsPerBoard=1 CoresPerSocket=8 ThreadsPerCore=1 RealMemory=12000 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES PriorityTier=1 MaxTime=INFINITE State=UP OverSubscribe=NO
PartitionName=high Nodes=ALL Default=NO PriorityTier=10 MaxTime=INFINITE State=UP OverSubscribe=NO
"""

DATABASE = """\
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={layout.database_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={layout.munge_socket}
StorageType=accounting_storage/mysql
StorageLoc=slurm
StorageUser=root
LogFile={layout.logs}/slurmdbd.log
PidFile={layout.state}/slurmdbd.pid
DebugLevel=verbose
"""


def write(layout: Layout) -> None:
    """Write the files and make the devices that pose as GPUs."""
    numbers = f"[{layout.node_ports[0]}-{layout.node_ports[-1]}]"
    layout.slurm_conf.write_text(
        SLURM.format(
            layout=layout,
            host=socket.gethostname(),
            nodes=",".join(NODES),
            node_ports=numbers,
            gpus=GPUS_PER_NODE,
            kill_wait=KILL_WAIT,
            credential_seconds=CREDENTIAL_SECONDS,
            node_timeout=NODE_TIMEOUT,
            message_timeout=MESSAGE_TIMEOUT,
            max_array_size=MAX_ARRAY_SIZE,
        )
    )
    database = layout.configuration / "slurmdbd.conf"
    database.write_text(DATABASE.format(layout=layout))
    # slurmdbd refuses to read a file that others may read.
    database.chmod(0o600)
    files = f"{layout.devices}/nvidia[0-{GPUS_PER_NODE - 1}]"
    (layout.configuration / "gres.conf").write_text(f"Name=gpu File={files}\n")
    for number in range(GPUS_PER_NODE):
        device = layout.devices / f"nvidia{number}"
        if not device.exists():
            # As /dev/null. With plain files CUDA_VISIBLE_DEVICES stays unset.
            mknod(device, stat.S_IFCHR | 0o666, makedev(1, 3))
