"""How the commands that restore show their options: what most people want first."""

from collections.abc import Sequence
from typing import Any

import click

COMPUTING = ("device", "tile", "precision", "seed", "weights", "offline", "in_process")
SCRIPTS = ("as_json", "verbose", "no_provenance")


class ModelOption(click.Option):
    """An option that only some models take."""

    def __init__(self, *arguments: Any, models: Sequence[str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.models = tuple(models)


class TaskCommand(click.Command):
    """A command whose help has its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the common options, then those of each other kind."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        others: dict[str, list[tuple[str, str]]] = {"How it computes": [], "For scripts": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if isinstance(parameter, ModelOption):
                heading = f"Of {' and '.join(parameter.models)} alone"
            elif parameter.name in COMPUTING:
                heading = "How it computes"
            elif parameter.name in SCRIPTS:
                heading = "For scripts"
            else:
                heading = "Options"
            (others if heading in others else sections).setdefault(heading, []).append(record)
        common = {"Options": sections.pop("Options")}
        for heading, records in (common | others | sections).items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
