# Tables and figures of everything that was recorded, and one file to send around.


rule analysis:
    # Reads the store and what the final training has published; writes nothing back.
    input:
        expand(RUN / "done" / "search-{strategy}.json", strategy=STRATEGIES),
        expand(
            RETRAIN / "{beside}final" / "{seed}.json",
            beside=CONTENDERS,
            seed=range(experiment.retrain.seeds),
        ),
        expand(
            RETRAIN / "variant" / "{variant}-{seed}.json",
            variant=range(len(experiment.retrain.variants)),
            seed=range(experiment.retrain.seeds),
        ),
        expand(
            RETRAIN / "{beside}transfer" / "{target}-{seed}.json",
            beside=CONTENDERS,
            target=range(len(experiment.retrain.transfer)),
            seed=range(experiment.retrain.seeds),
        ),
    output:
        RESULTS / "summary.md",
        RESULTS / "summary.json",
        RESULTS / "best.png",
        expand(RESULTS / "figures" / "{name}.pdf", name=FIGURES),
        report(
            RESULTS / "best.svg",
            caption="../report/best.rst",
            category="Architecture",
            labels={"figure": "what was found"},
        ),
        [
            report(
                RESULTS / "figures" / f"{name}.png",
                caption=f"../report/{name}.rst",
                category="Figures",
                labels={"figure": name.replace("_", " ")},
            )
            for name in FIGURES
        ],
        report(
            RESULTS / "trials.csv",
            caption="../report/trials.rst",
            category="Tables",
            labels={"table": "every trial"},
        ),
        report(
            RESULTS / "top_models.csv",
            caption="../report/top_models_table.rst",
            category="Tables",
            labels={"table": "the best models, as more are sampled"},
        ),
        report(
            RESULTS / "retrain.csv",
            caption="../report/retrain.rst",
            category="Tables",
            labels={"table": "the final grid"},
        ),
        report(
            RESULTS / "final.csv",
            caption="../report/final_table.rst",
            category="Tables",
            labels={"table": "final training, tested"},
        ),
        report(
            RESULTS / "transfer.csv" if experiment.retrain.transfer else [],
            caption="../report/transfer.rst",
            category="Tables",
            labels={"table": "in other language models, tested"},
        ),
    log:
        LOGS / "analysis.log",
    conda:
        "../../environment.yml"
    resources:
        machine_percent=1,
        mem_mb=2000,
    params:
        experiment=EXPERIMENT,
        results=RESULTS,
        configuration=configured("title", "compare_with", "report"),
    message:
        "Tables and figures: {params.results}"
    shell:
        "nas-hpc analyse {params.experiment:q} --results {params.results:q} > {log:q} 2>&1"


rule report:
    # Snakemake's own report, as a rule so that every way of starting the workflow makes it.
    input:
        rules.analysis.output,
    output:
        RESULTS / "report.html",
    log:
        LOGS / "report.log",
    conda:
        "../../environment.yml"
    resources:
        machine_percent=1,
    params:
        experiment=EXPERIMENT,
        snakefile=workflow.main_snakefile,
    message:
        "Report: {output}"
    shell:
        "snakemake --snakefile {params.snakefile:q} --nolock --report {output:q} "
        "--config experiment={params.experiment:q} -- {input:q} > {log:q} 2>&1"
