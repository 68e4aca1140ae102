"""Train networks x losses x seeds, each in a folder of its own, and end with a table.

python -m helpers.train --models UNet SE_UNet --loss DiceLoss FocalLoss --train 3
"""

import argparse
import collections
import contextlib
import dataclasses
import itertools
import shlex
import sys
import types
import typing
from collections.abc import Sequence
from pathlib import Path

from helpers import command, tasks
from helpers.data import disk
from helpers.nets import zoo
from helpers.scores import losses
from helpers.settings import Settings
from helpers.training import devices, experiment, run_folder, schedules, table

EXAMPLE = """example, a few minutes on a laptop, with the phantom brains that are made on first use:

    python -m helpers.train --models UNet SE_UNet --loss DiceLoss --epoch 2 --size 64

four-fold cross-validation over the patients of the Kaggle set (python -m helpers.prepare brain --source kaggle):

    python -m helpers.train --models Lite0_UNet --pretrain True --data kaggle --folds 4

phantom streets, and those of Cityscapes (python -m helpers.prepare cityscapes):

    python -m helpers.train --dataset cityscapes
    python -m helpers.train --dataset cityscapes --data cityscapes

A run that was interrupted goes on where it stopped when the same command is given again; a finished one is skipped."""

FIELDS = {field.name: field for field in dataclasses.fields(Settings) if field.metadata["flag"]}
NAMED = {"model": zoo.NAMES, "loss": losses.NAMES}
CHOICES = {
    "dataset": tuple(tasks.TASKS),
    "optimizer": schedules.OPTIMIZERS,
    "schedule": schedules.NAMES,
    "policy": experiment.POLICIES,
}


def truth(text: str) -> bool:
    """Read "True" or "False"; bool("False") would be True."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise argparse.ArgumentTypeError(f"{text!r} is neither True nor False")


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser: an option for each setting that has a flag, and those of the command."""
    result = command.Parser(
        prog="python -m helpers.train",
        description="Train networks x losses x seeds and end with a table of honest scores.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    hints = typing.get_type_hints(Settings)
    for name, field in FIELDS.items():
        add_setting(result, field, hints[name])
    result.set_defaults(dataset=Settings.dataset)
    result.add_argument(
        "--train", type=int, default=1, metavar="N", help="train each this many times, with different seeds (1)"
    )
    result.add_argument(
        "--devices", type=int, default=1, metavar="N",
        help="devices of this machine to divide each batch among (1); several machines: helpers/training/devices.py",
    )  # fmt: skip
    result.add_argument(
        "--out", type=Path, default=Path("runs"), metavar="FOLDER", help="where the runs are kept (%(default)s)"
    )
    result.add_argument("--overwrite", action="store_true", help="begin finished and interrupted runs anew")
    return result


def add_setting(result: argparse.ArgumentParser, field: dataclasses.Field, hint: typing.Any) -> None:
    """Add the option of a setting, from its type and from what `Settings` says of it."""
    kinds = [kind for kind in typing.get_args(hint) if kind is not types.NoneType]
    many = typing.get_origin(hint) is tuple
    kind = kinds[0] if kinds else hint
    options: dict[str, typing.Any] = {"dest": field.name}
    if field.metadata["metavar"]:
        options["metavar"] = field.metadata["metavar"]
    if field.name in CHOICES:
        options["choices"] = CHOICES[field.name]
    if field.metadata["each"]:
        options |= {"nargs": "+", "type": truth if kind is bool else kind}
    elif kind is bool:
        options["action"] = argparse.BooleanOptionalAction
    else:
        options |= {"type": kind, "nargs": len(kinds) if many else None}
    words = field.metadata["words"]
    if field.name in NAMED:
        words += f", any of {', '.join(NAMED[field.name])}"
    words += f" ({_defaults(field.name)})"
    result.add_argument(field.metadata["flag"], help=words.replace("%", "%%"), **options)


def _defaults(name: str) -> str:
    """The default of a setting in words, for each data set that reads it."""
    defaults = {
        dataset: _words(getattr(task.defaults, name))
        for dataset, task in tasks.TASKS.items()
        if name not in tasks.SPECIFIC or name in task.uses
    }
    if name == "dataset":
        return Settings.dataset
    if len(set(defaults.values())) == 1 and name not in tasks.SPECIFIC:
        return next(iter(defaults.values()))
    return ", ".join(f"{dataset} {value}" for dataset, value in defaults.items())


def _words(value: typing.Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def plan(options: argparse.Namespace) -> list[tuple[Settings, Path]]:
    """Return each run with its folder; ValueError for what cannot work."""
    given: dict[str, typing.Any] = {
        name: value for name, value in vars(options).items() if name in FIELDS and value is not None
    }
    flags = {name: FIELDS[name].metadata["flag"] for name in given}
    tasks.refuse_unused(options.dataset, flags)
    if given.get("groups", "").lower().endswith(".csv"):  # the network says it to `evaluate`, in whatever folder
        given["groups"] = str(Path(given["groups"]).expanduser().resolve())
    default = tasks.get(options.dataset).defaults
    models = given.pop("model", [default.model])
    # The pretrained encoder belongs to the default's network, as the weights of the classes do to its loss.
    pretrain = given.pop("pretrained", [default.pretrained and model == default.model for model in models])
    if len(pretrain) != len(models):
        raise ValueError(
            f"--pretrain has {len(pretrain)} values for {len(models)} --models: give True or False for each."
        )
    if given.get("loss", [default.loss]) != [default.loss]:
        given.setdefault("class_weights", False)
    given_losses = given.pop("loss", [default.loss])
    common = dataclasses.replace(default, **given)
    if options.filters == 0:
        common = dataclasses.replace(common, filters=None)
    common.idle({name: flag for name, flag in flags.items() if name != "pretrained" or any(pretrain)})
    for flag, value in (("--train", options.train), ("--devices", options.devices)):
        if value < 1:
            raise ValueError(f"{flag} is {value}: give 1 or more.")
    for flag, names in (("--models", list(zip(models, pretrain, strict=True))), ("--loss", given_losses)):
        (name, times), *_ = collections.Counter(names).most_common()
        if times > 1:
            raise ValueError(f"{flag} names {name if flag == '--loss' else name[0]} {times} times: name each once.")
    if options.start is not None and len(set(models)) > 1:
        raise ValueError(f"--start {options.start} holds the weights of one network: give one of --models.")
    runs = []
    for (model, pretrained), loss, number in itertools.product(
        zip(models, pretrain, strict=True), given_losses, range(options.train)
    ):
        for fold in range(max(common.folds, 1)):
            settings = dataclasses.replace(
                common, model=model, loss=loss, pretrained=pretrained, seed=common.seed + number, fold=fold
            )
            name = f"{model}{'_pretrained' if pretrained else ''}-{loss}"
            part = f"seed_{settings.seed}" + (f"-fold_{fold}" if common.folds else "")
            folder = options.out / options.dataset / name / part
            experiment.check(settings, None if options.overwrite else folder)
            runs.append((settings, folder))
    return runs


def run_all(runs: Sequence[tuple[Settings, Path]], overwrite: bool, number_of_devices: int) -> list[run_folder.Result]:
    """Run one after the other and return what there is to show; ValueError, before the first, if one cannot be run."""
    to_begin_anew = [overwrite or run_folder.is_to_begin_anew(settings, folder) for settings, folder in runs]
    for (settings, folder), anew in zip(runs, to_begin_anew, strict=True):
        if not anew:
            run_folder.refuse_other_settings(settings, folder)
    results = []
    for number, ((settings, folder), anew) in enumerate(zip(runs, to_begin_anew, strict=True), start=1):
        words = "" if not run_folder.is_finished(folder) else " is begun anew" if anew else " is finished"
        print(f"run {number} of {len(runs)}: {disk.printable(folder)}{words}", flush=True)
        result = experiment.run(settings, folder, anew, number_of_devices=number_of_devices)
        if result is not None:
            results.append(result)
    return results


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parser().parse_args(arguments)
    runs = plan(options)
    tasks.get(options.dataset).folder_of(runs[0][0].data)
    if options.overwrite:
        run_folder.refuse_cleared_start(runs[0][0], [folder for _, folder in runs])
    # of several processes one says it, to those that come later
    says_so = options.overwrite and devices.is_first()
    with run_folder.beginning_anew(runs) if says_so else contextlib.nullcontext():
        results = run_all(runs, options.overwrite, options.devices)
    if not results:
        return  # the first of several processes has the results
    rows = table.summarise(results)
    folder = options.out / options.dataset
    run_folder.write(folder / "results.csv", rows.to_csv(index=False))
    written = f"\n{table.text(rows, results)}\n\nwritten to {disk.printable(folder / 'results.csv')}"
    patients = table.patients(results)
    if len(patients):
        run_folder.write(folder / "patients.csv", patients.to_csv(index=False))
        written += ", and each one's Dice to patients.csv beside it"
    else:  # an older one would pass for the patients of these runs
        (folder / "patients.csv").unlink(missing_ok=True)
    print(written)
    networks = [result.folder / "final.keras" for result in results if run_folder.has_network(result.folder)]
    if networks:
        model = shlex.quote(disk.printable(networks[-1]))
        print("to look at a prediction:\n")
        print(f"    python -m helpers.predict --model {model} --input IMAGE --output FOLDER")


if __name__ == "__main__":
    goes_on = "what is finished is kept, and the same command (without --overwrite) goes on from there"
    sys.exit(command.run(main, goes_on, "a smaller --batch or --size"))
