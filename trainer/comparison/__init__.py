"""The comparison of families and algorithms under equal passes over the data and equal work.

Pure but for `store` (files), `training` (TensorFlow) and `environment` (this machine): what is
trained, how it is summed up and how it is told are functions of plain values. The command that
puts them together is `trainer.cli.compare`.
"""
