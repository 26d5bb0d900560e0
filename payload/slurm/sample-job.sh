#!/bin/bash
#SBATCH --job-name=dws-sample
#SBATCH --nodes=1
#SBATCH --time=00:05:00
#SBATCH --output=dws-sample-%j.out
#DW jobdw type=xfs capacity=10GiB pool=dws name=sample

# The #DW line asks DataWorkflowServices for a file system of 10 GiB for this
# job; pool=dws is for Slurm, which wants it beside capacity=. Drivers of the
# site may tell where it is mounted in variables DW_...
#
#   sbatch sample-job.sh
#   scontrol show bbstat workflow JOBID
#
# #DW lines must stand in the comments at the top: Slurm stops looking at the
# first line that is no comment.

echo "job $SLURM_JOB_ID on $(hostname)"
env | grep '^DW_' || echo 'no variables DW_... were set'
