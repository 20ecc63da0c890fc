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
    message:
        "List the best trials"
    shell:
        "nas-hpc candidates {params.experiment:q} > {log:q} 2>&1"


checkpoint training_part:
    # Most of the cost beside the search: retrain.top architectures times all points of the grid.
    input:
        lambda wildcards: TRAININGS[wildcards.step][0],
        part_before(PARTS / "{step}-{numbers}.{part}.json"),
    output:
        PARTS / "{step}-{numbers}.{part}.json",
    log:
        LOGS / "{step}-{numbers}.{part}.log",
    conda:
        "../../environment.yml"
    threads: experiment.slots.threads
    resources:
        **as_a_child(),
        machine_percent=ONE_SLOT,
    params:
        experiment=EXPERIMENT,
        which=lambda wildcards: numbered(wildcards.step, wildcards.numbers),
        limit=time_limit,
        children=children,
        set_up=set_up,
        configuration=lambda wildcards: retrain_configured(*TRAININGS[wildcards.step][2]),
    message:
        "Train for {wildcards.step} {wildcards.numbers}, part {wildcards.part}"
    shell:
        "{params.set_up}nas-hpc part --marker {output:q} {params.limit} -- {wildcards.step} "
        "{params.experiment:q} {params.which} {params.children} > {log:q} 2>&1"


rule training:
    input:
        lambda wildcards: until_done(checkpoints.training_part, **wildcards),
    output:
        RETRAIN / "{step}" / "{numbers}.json",
    log:
        LOGS / "publish" / "{step}-{numbers}.log",
    conda:
        "../../environment.yml"
    resources:
        machine_percent=1,
    message:
        "Train for {wildcards.step} {wildcards.numbers}: done"
    shell:
        "cp {input:q} {output:q} 2> {log:q}"


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
    message:
        "Choose among them by their new scores"
    shell:
        "nas-hpc shortlist {params.experiment:q} > {log:q} 2>&1"


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
    message:
        "Choose a point of the grid"
    shell:
        "nas-hpc choose {params.experiment:q} > {log:q} 2>&1"
