"""The commands of `editgan`, a module each: add_arguments(parser), run(args), describe(report)."""
