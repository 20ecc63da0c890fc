# The best architectures of the search are scored again, trained over a grid, and the one that is
# best on validation data is trained for the test. Each training goes on where it was killed, and is
# never made twice: a rule that runs again finds it under runs/<experiment>/retrain/work.
#
# What stands beside what the search has found takes the same way; {beside} says whose files are
# meant, see contenders.smk.


rule candidates:
    input:
        search_of,
    output:
        RETRAIN / "{beside}candidates.json",
    log:
        LOGS / "{beside}candidates.log",
    conda:
        "../../environment.yml"
    resources:
        machine_percent=1,
    params:
        experiment=EXPERIMENT,
        whose=whose,
        configuration=retrain_configured("candidates"),
    message:
        "List the best trials: {output}"
    shell:
        "nas-hpc candidates {params.experiment:q} {params.whose} > {log:q} 2>&1"


checkpoint training_part:
    # Most of the cost beside the search: retrain.top architectures times all points of the grid.
    input:
        lambda wildcards: RETRAIN / f"{wildcards.beside}{TRAININGS[wildcards.step][0]}",
        part_before(PARTS / "{beside}{step}-{numbers}.{part}.json"),
    output:
        PARTS / "{beside}{step}-{numbers}.{part}.json",
    log:
        LOGS / "{beside}{step}-{numbers}.{part}.log",
    conda:
        "../../environment.yml"
    threads: experiment.slots.threads
    resources:
        **as_a_child(),
        machine_percent=ONE_SLOT,
    params:
        experiment=EXPERIMENT,
        which=lambda wildcards: f"{numbered(wildcards)} {whose(wildcards)}".rstrip(),
        limit=time_limit,
        children=children,
        set_up=set_up,
        configuration=lambda wildcards: retrain_configured(*TRAININGS[wildcards.step][2]),
    message:
        "Train for {wildcards.beside}{wildcards.step} {wildcards.numbers}, part {wildcards.part}"
    shell:
        "{params.set_up}nas-hpc part --marker {output:q} {params.limit} -- {wildcards.step} "
        "{params.experiment:q} {params.which} {params.children} > {log:q} 2>&1"


rule training:
    input:
        lambda wildcards: until_done(checkpoints.training_part, **wildcards),
    output:
        RETRAIN / "{beside}{step}" / "{numbers}.json",
    log:
        LOGS / "publish" / "{beside}{step}-{numbers}.log",
    conda:
        "../../environment.yml"
    resources:
        machine_percent=1,
    message:
        "Train for {wildcards.beside}{wildcards.step} {wildcards.numbers}: done"
    shell:
        "cp {input:q} {output:q} 2> {log:q}"


rule shortlist:
    input:
        rescores_of,
    output:
        RETRAIN / "{beside}shortlist.json",
    log:
        LOGS / "{beside}shortlist.log",
    conda:
        "../../environment.yml"
    resources:
        machine_percent=1,
    params:
        experiment=EXPERIMENT,
        whose=whose,
        configuration=retrain_configured("top"),
    message:
        "Choose among them by their new scores: {output}"
    shell:
        "nas-hpc shortlist {params.experiment:q} {params.whose} > {log:q} 2>&1"


rule choose:
    # On validation data alone; the test data has not been opened so far.
    input:
        grid_of,
    output:
        RETRAIN / "{beside}chosen.json",
    log:
        LOGS / "{beside}choose.log",
    conda:
        "../../environment.yml"
    resources:
        machine_percent=1,
    params:
        experiment=EXPERIMENT,
        whose=whose,
    message:
        "Choose a point of the grid: {output}"
    shell:
        "nas-hpc choose {params.experiment:q} {params.whose} > {log:q} 2>&1"
