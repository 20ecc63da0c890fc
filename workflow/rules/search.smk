# One search for each strategy. They do not depend on each other; on one machine they take turns,
# each with the whole of it, so that they are compared under equal conditions.


rule search:
    input:
        RUN / "done" / "prepared.json",
    output:
        # All else is the search's live state, in its own folder and for itself to look after.
        RUN / "done" / "search-{strategy}.json",
    log:
        LOGS / "search-{strategy}.log",
    conda:
        "../../environment.yml"
    threads: experiment.slots.count * experiment.slots.threads
    resources:
        machine_percent=100,
        mem_mb=1000 + 600 * experiment.slots.count,
        mpi="mpiexec -launcher fork",
    params:
        experiment=EXPERIMENT,
        strategy=lambda wildcards: STRATEGIES[wildcards.strategy],
        # Of these few may change when a search goes on: it refuses the others, naming the key.
        configuration=configured(
            "seed",
            "space",
            "data",
            "child",
            "training",
            "reward",
            "controller",
            "search",
            "budget",
        ),
    shell:
        # Ctrl-C ends the search in order; tee outlives it, to write its last lines.
        "nas-hpc search {params.experiment:q} --strategy {params.strategy:q} --marker {output:q} "
        "--mpiexec {resources.mpi:q} 2>&1 | tee -i {log:q}"
