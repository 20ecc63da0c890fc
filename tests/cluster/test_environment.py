from nas_hpc.cluster.environment import child_environment, slot_environment

KEPT = {
    "PATH": "/usr/bin",
    "HOME": "/home/ada",
    "USER": "ada",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "LD_LIBRARY_PATH": "/opt/lib",
    "SLURM_CONF": "/etc/slurm/slurm.conf",
    "SLURM_CLUSTERS": "lab",
}
HARMFUL = {
    "SLURM_CPU_BIND": "quiet,mask_cpu:0x1",
    "SLURM_MEM_PER_CPU": "500",
    "SLURM_JOB_ID": "17",
    "PMI_RANK": "0",
    "PMIX_RANK": "0",
    "OMPI_COMM_WORLD_RANK": "0",
    "HYDI_CONTROL_FD": "5",
    "MPI_LOCALRANKID": "0",
    "PRTE_MCA_x": "1",
    "OMP_NUM_THREADS": "64",
    "OMP_PROC_BIND": "true",
    "TMPDIR": "/tmp/job.17",
    "XDG_RUNTIME_DIR": "/run/user/0",
    "PYTHONPATH": "/elsewhere",
    "AWS_SECRET_ACCESS_KEY": "secret",
}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def test_slots_and_children_inherit_the_short_list_and_nothing_else():
    expected = KEPT | dict.fromkeys(THREADS, "1")
    assert slot_environment(KEPT | HARMFUL) == expected
    assert child_environment(KEPT | HARMFUL, threads=1) == expected


def test_a_child_has_as_many_threads_as_its_slot():
    environment = child_environment(KEPT | HARMFUL, threads=3)
    assert {environment[name] for name in THREADS} == {"3"}


def test_the_gpus_given_to_the_search_reach_its_children_past_submitit():
    # submitit's local executor sets the variable to nothing unless GPUs are asked for.
    in_slot = slot_environment(KEPT | {"CUDA_VISIBLE_DEVICES": "GPU-5a,GPU-7b"})
    in_slot["CUDA_VISIBLE_DEVICES"] = ""
    assert child_environment(in_slot, 1)["CUDA_VISIBLE_DEVICES"] == "GPU-5a,GPU-7b"


def test_children_see_all_gpus_if_the_search_does():
    in_slot = slot_environment(KEPT) | {"CUDA_VISIBLE_DEVICES": ""}
    assert "CUDA_VISIBLE_DEVICES" not in child_environment(in_slot, 1)
