"""Find the range of every number over the reconstructions found."""

from sarcoma_sbrt.io import job_log, read_json, write_text
from sarcoma_sbrt.reporting.solution_statistics import range_table, ranges

with job_log(snakemake.log[0]):
    found = [one for path in snakemake.input.values for one in read_json(path).values()]
    table = ranges(found)
    write_text(snakemake.output.ranges, range_table(table))
    print(f"{len(found)} reconstructions, {len(table)} numbers")
