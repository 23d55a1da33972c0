"""The commands of `editgan`, one module each: `add_arguments(parser)`, `run(args)`, `describe(report)`."""
