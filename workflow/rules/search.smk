# One search for each strategy. They do not depend on each other; on one machine they take turns,
# each with the whole of it, so that they are compared under equal conditions.
#
# A search that is longer than its job may be goes on in another job, as often as it takes.

if SEARCH_ON == "login":

    localrules:
        search_part,


checkpoint search_part:
    input:
        RUN / "done" / "prepared.json",
        part_before(PARTS / "search-{strategy}.{part}.json"),
    output:
        # All else is the search's live state, in its own folder and for itself to look after.
        PARTS / "search-{strategy}.{part}.json",
    log:
        LOGS / "search-{strategy}.{part}.log",
    conda:
        "../../environment.yml"
    threads: 1 if CHILDREN else experiment.slots.count * experiment.slots.threads
    resources:
        machine_percent=100,
        mem_mb=lambda wildcards: 1000 + 600 * ranks(wildcards),
        tasks=ranks,
        nodes=1,
        mpi="mpiexec -launcher fork",
        # What was stopped on purpose is not retried.
        attempt=lambda wildcards, attempt: attempt,
    params:
        experiment=EXPERIMENT,
        strategy=lambda wildcards: STRATEGIES[wildcards.strategy],
        limit=search_limit,
        children=children,
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
    message:
        "Search with {wildcards.strategy}, part {wildcards.part}"
    shell:
        # Ctrl-C ends the search in order; tee outlives it, to write its last lines.
        "nas-hpc part --marker {output:q} {params.limit} -- search {params.experiment:q} "
        "--strategy {params.strategy:q} --mpiexec {resources.mpi:q} {params.children} "
        "--attempt {resources.attempt} 2>&1 "
        "| tee -i {log:q}"


rule search:
    input:
        lambda wildcards: until_done(checkpoints.search_part, strategy=wildcards.strategy),
    output:
        RUN / "done" / "search-{strategy}.json",
    log:
        LOGS / "publish" / "search-{strategy}.log",
    conda:
        "../../environment.yml"
    resources:
        machine_percent=1,
    message:
        "Search with {wildcards.strategy}: done"
    shell:
        "cp {input:q} {output:q} 2> {log:q}"
