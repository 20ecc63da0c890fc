# The best architectures of the search are scored again, trained over a grid, and the one that is
# best on validation data is trained for the test. Each training goes on where it was killed, and is
# never made twice: a rule that runs again finds it under runs/<experiment>/retrain/work.


rule candidates:
    input:
        RUN / "done" / f"search-{SEARCHED}.json",
    output:
        RETRAIN / "candidates.json",
    log:
        LOGS / "candidates.log",
    conda:
        "../../environment.yml"
    resources:
        machine_percent=1,
    params:
        experiment=EXPERIMENT,
        configuration=retrain_configured("candidates"),
    shell:
        "nas-hpc candidates {params.experiment:q} > {log:q} 2>&1"


rule rescore:
    # The best reward of many is partly luck; new seeds tell how much.
    input:
        RETRAIN / "candidates.json",
    output:
        RETRAIN / "rescore" / "{candidate}.json",
    log:
        LOGS / "rescore-{candidate}.log",
    conda:
        "../../environment.yml"
    threads: experiment.slots.threads
    resources:
        machine_percent=ONE_SLOT,
        mem_mb=2000,
    params:
        experiment=EXPERIMENT,
        configuration=retrain_configured("rescore_seeds"),
    shell:
        "nas-hpc rescore {params.experiment:q} --candidate {wildcards.candidate} > {log:q} 2>&1"


rule shortlist:
    input:
        expand(
            RETRAIN / "rescore" / "{candidate}.json",
            candidate=range(experiment.retrain.candidates),
        ),
    output:
        RETRAIN / "shortlist.json",
    log:
        LOGS / "shortlist.log",
    conda:
        "../../environment.yml"
    resources:
        machine_percent=1,
    params:
        experiment=EXPERIMENT,
        configuration=retrain_configured("top"),
    shell:
        "nas-hpc shortlist {params.experiment:q} > {log:q} 2>&1"


rule grid:
    # The costliest rule beside the search: retrain.top architectures times all points of the grid.
    input:
        RETRAIN / "shortlist.json",
    output:
        RETRAIN / "grid" / "{top}-{point}.json",
    log:
        LOGS / "grid-{top}-{point}.log",
    conda:
        "../../environment.yml"
    threads: experiment.slots.threads
    resources:
        machine_percent=ONE_SLOT,
        mem_mb=2000,
    params:
        experiment=EXPERIMENT,
        configuration=retrain_configured("grid", "epochs"),
    shell:
        "nas-hpc grid {params.experiment:q} --top {wildcards.top} --point {wildcards.point} "
        "> {log:q} 2>&1"


rule choose:
    # On validation data alone; the test data has not been opened so far.
    input:
        expand(
            RETRAIN / "grid" / "{top}-{point}.json",
            top=range(experiment.retrain.top),
            point=range(POINTS),
        ),
    output:
        RETRAIN / "chosen.json",
    log:
        LOGS / "choose.log",
    conda:
        "../../environment.yml"
    resources:
        machine_percent=1,
    params:
        experiment=EXPERIMENT,
    shell:
        "nas-hpc choose {params.experiment:q} > {log:q} 2>&1"


rule final:
    # Nothing is chosen any more: these are the only trainings that are scored on test data.
    input:
        RETRAIN / "chosen.json",
    output:
        RETRAIN / "final" / "{seed}.json",
    log:
        LOGS / "final-{seed}.log",
    conda:
        "../../environment.yml"
    threads: experiment.slots.threads
    resources:
        machine_percent=ONE_SLOT,
        mem_mb=2000,
    params:
        experiment=EXPERIMENT,
    shell:
        "nas-hpc final {params.experiment:q} --seed {wildcards.seed} > {log:q} 2>&1"
