# One experiment from its YAML file to its report:
#
#     snakemake --profile workflow/profiles/local --config experiment=digits
#
# `experiment` is the name of a file in workflow/experiments, or the path of a YAML file.
# Whatever is costly lies under runs/, where no rule declares it as output, so that Snakemake never
# deletes it: a rule that runs again finds it there and only publishes it again.

from snakemake.utils import min_version

min_version("9.27")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/contenders.smk"
include: "workflow/rules/slurm.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/retrain.smk"
include: "workflow/rules/analysis.smk"


# Where Snakemake runs; data may have to be downloaded there, and nodes often have no network.
localrules:
    all,
    prepare,
    search,
    candidates,
    training,
    shortlist,
    choose,
    report,


rule all:
    default_target: True
    input:
        RESULTS / "report.html",
