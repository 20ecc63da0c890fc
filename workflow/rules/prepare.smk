# Before anything costly starts: the data is made, and your own code is tried in small.


rule prepare:
    output:
        # Not the data: Snakemake deletes outputs, and a search may rest on that data.
        RUN / "done" / "prepared.json",
    log:
        LOGS / "prepare.log",
    conda:
        "../../environment.yml"
    threads: experiment.slots.threads
    resources:
        machine_percent=ONE_SLOT,
        mem_mb=2000,
    params:
        experiment=EXPERIMENT,
        configuration=configured(
            "seed",
            "space",
            "data",
            "child",
            "training",
            "reward",
            "controller",
            "search",
            "compare_with",
        ),
    message:
        "Make the data, and try in small what the experiment names"
    shell:
        "nas-hpc prepare {params.experiment:q} --marker {output:q} > {log:q} 2>&1"
