"""One experiment: from a frozen set of settings to a folder with everything that came of it.

Built up in lesson 06; called by every later lesson and by `python -m helpers.train`. What differs between the data
sets stands in `helpers.tasks`, what is in the folder in `run_folder`.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras

from helpers import tasks
from helpers.data import disk
from helpers.nets import checkpoint, inference, zoo
from helpers.scores import losses
from helpers.settings import Settings
from helpers.tasks.purpose import Purpose
from helpers.training import devices, run_folder, schedules
from helpers.training.keeper import Keeper

POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")


def check(settings: Settings, folder: Path | None = None) -> None:
    """Raise ValueError, naming the setting, for what cannot work; costs no training and reads no image.

    Args:
        settings: to check.
        folder: of a run that may have begun already, and then does not need the file of `start` any more.

    Raises:
        ValueError: a setting cannot work.
        FileNotFoundError: there is no file to start from.
    """
    task = tasks.get(settings.dataset)
    changed = [field.name for field in dataclasses.fields(settings) if getattr(settings, field.name) != field.default]
    tasks.refuse_unused(settings.dataset, {name: name for name in changed})
    settings.check()
    losses.get(settings.loss)
    if settings.class_weights and settings.loss not in losses.WITH_CLASS_WEIGHTS:
        raise ValueError(
            f"loss is {settings.loss}, which takes no class weights: choose {', '.join(losses.WITH_CLASS_WEIGHTS)}, or "
            "leave class_weights out."
        )
    task.check(settings)
    schedules.get(settings.schedule, settings.learning_rate, 1)
    schedules.check_optimizer(settings.optimizer)
    zoo.check(settings.model, settings.pretrained, task.training_sides(settings))
    if settings.auxiliary and settings.model not in zoo.AUXILIARY:
        raise ValueError(f"{settings.model} has no auxiliary head: leave `auxiliary` at 0, or take {zoo.AUXILIARY[0]}.")
    if settings.start is not None and not (folder and run_folder.needs_no_start(settings, folder)):
        inference.weights_file(settings.start)
    if settings.policy is not None and settings.policy not in POLICIES:
        raise ValueError(f"policy is {settings.policy!r}: choose one of {', '.join(POLICIES)}.")


def build(settings: Settings) -> keras.Model:
    """Build the network that `settings` name, with its first weights drawn from the seed."""
    task = tasks.get(settings.dataset)
    keras.utils.set_random_seed(settings.seed)
    with _policy(settings.policy):
        model = zoo.build(
            settings.model,
            input_shape=(*task.sides(settings), 3),
            classes=len(task.classes(settings)),
            filters=settings.filters,
            auxiliary=settings.auxiliary > 0,
            pretrained=settings.pretrained and settings.start is None,
        )
    if settings.start is not None:
        begin = inference.load_model(settings.start, auxiliary=True)
        try:
            model.set_weights(begin.get_weights())
        except ValueError:
            raise ValueError(
                f"{settings.start}: holds {begin.name}, whose weights do not fit {settings.model} "
                f"with filters {settings.filters}; give the settings that it was trained with."
            ) from None
    return model


def run(
    settings: Settings,
    folder: str | Path,
    overwrite: bool = False,
    progress: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    number_of_devices: int = 1,
    keep_every: float = 0.0,
) -> run_folder.Result | None:
    """Train, score and write one experiment; go on where an interrupted one stopped; return a finished one as it is.

    Args:
        settings: what to do.
        folder: where everything is written; made if missing.
        overwrite: begin anew although the folder holds a run; so does one that an interrupted `train --overwrite` with
            these settings has not come to.
        progress: show a bar with the time left.
        callbacks: more Keras callbacks, such as `show.live.LivePlot`.
        number_of_devices: of this machine to divide each batch among; see `devices` for several machines. Not a
            setting: a run may go on with another number. On JAX the outcome is the same but for rounding, and on
            TensorFlow for a loss that is a mean over the images; any other is another loss there, as `devices` says.
        keep_every: seconds from one saving of the state to the next, where an epoch takes less: the state of a large
            network can take longer to write than a short epoch on a GPU. A resumed run goes on from there.

    Returns:
        What the folder holds; None in a process that is not the first of several.

    Raises:
        ValueError: a setting or the number of devices cannot work, the folder holds a run with other settings or of
            other images, or the loss became NaN.
        OSError: the data are missing or damaged, the disk is full, or another process is training in the folder.
    """
    folder = Path(folder)
    overwrite = overwrite or run_folder.is_to_begin_anew(settings, folder)
    check(settings, None if overwrite else folder)
    if overwrite:
        run_folder.refuse_cleared_start(settings, [folder])
    _refuse_batch(settings, max(number_of_devices, 1))
    spread = devices.Devices(number_of_devices)  # first, because TensorFlow's devices are fixed by its first step
    _refuse_batch(settings, number_of_devices * spread.processes)
    first = spread.process == 0
    if not overwrite:
        run_folder.refuse_other_settings(settings, folder)
        if run_folder.is_finished(folder) and run_folder.says_its_settings(folder):
            return run_folder.read(folder) if first else None
    with run_folder.alone_in(folder) if first else contextlib.nullcontext():
        # finished since a moment ago, or its settings are damaged
        if not overwrite and first and run_folder.is_finished(folder):
            run_folder.write_json(folder / "settings.json", dataclasses.asdict(settings))
            return run_folder.read(folder)
        return _run(settings, folder, overwrite, progress, callbacks, spread, keep_every)


def _refuse_batch(settings: Settings, number: int) -> None:
    if settings.batch % number:
        raise ValueError(f"batch is {settings.batch}, which {number} devices cannot share: give a multiple of that.")


def _run(
    settings: Settings,
    folder: Path,
    anew: bool,
    progress: bool,
    callbacks: Sequence[keras.callbacks.Callback],
    spread: devices.Devices,
    keep_every: float,
) -> run_folder.Result | None:
    """As `run`, in a folder that is ours alone; `anew`: pay no heed to what it holds, and remove it."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    kind = tasks.get(settings.dataset)
    task = kind(settings, progress)

    only_scores = not anew and run_folder.final_is_there(settings, folder)
    state = None if anew or only_scores else run_folder.read_state(folder)
    begin_with = dataclasses.replace(settings, start=None) if only_scores or state else settings

    rate = schedules.get(settings.schedule, settings.learning_rate, task.steps * max(settings.epochs, 1))
    with spread.together():
        model = build(begin_with)
        spread.synchronise(model)
        loss = losses.get(settings.loss, task.mode, task.ignore_index, task.class_weights())
        both = isinstance(model.output, dict)
        compiled = inference.worth_compiling() if settings.compiled is None else settings.compiled
        model.compile(
            optimizer=schedules.optimizer(settings.optimizer, rate, settings.weight_decay),
            loss={"main": loss, "auxiliary": loss} if both else loss,
            loss_weights={"main": 1.0, "auxiliary": settings.auxiliary} if both else None,
            metrics={"main": task.metrics()} if both else task.metrics(),
            jit_compile=compiled,  # pyright: ignore[reportArgumentType]
        )
        model.optimizer.build(model.trainable_variables)
    if spread.process == 0:
        if anew:  # only now, when what does not fit has been refused
            run_folder.clear(folder)
        run_folder.write_json(folder / "environment.json", run_folder.environment())
        run_folder.write_json(folder / "settings.json", dataclasses.asdict(settings))

    single = model
    if spread.several:
        with spread.alone():
            single = build(dataclasses.replace(settings, start=None))
    purpose = Purpose.of_run(settings, kind.classes(settings), kind.sides(settings), kind.normalisation, task.names)
    keeper = Keeper(settings, folder, task, purpose.note(), model, single, spread, progress, keep_every)
    with spread.together():
        if only_scores:
            place, final = disk.printable(folder), folder / "final.keras"
            print(f"{place}: its scores are missing or damaged; they are counted from final.keras.", flush=True)
            run_folder.refuse_other_images(settings, folder, checkpoint.read_note(final) or {}, purpose.split)
            done = settings.epochs
            model.set_weights(inference.load_model(final, auxiliary=True).get_weights())
        else:
            done = 0 if anew else keeper.resume(model, state)
        if done < settings.epochs:

            def batches():
                for images, truth in task.batches(done, (spread.process, spread.processes)):
                    yield images, {"main": truth, "auxiliary": truth} if both else truth

            with _until_fitted(batches) as source:
                model.fit(
                    spread.feed(source),
                    steps_per_epoch=task.steps,
                    initial_epoch=done,
                    epochs=settings.epochs,
                    callbacks=[keeper, *callbacks],
                    verbose=0,  # pyright: ignore[reportArgumentType]
                    shuffle=False,  # the batches come shuffled
                )
    if spread.process > 0:
        return None
    with spread.alone():
        keeper.copy_weights()
        if not only_scores:
            keeper.save("final")
        if not checkpoint.is_whole(folder / "best.keras") or settings.epochs == 0:
            keeper.save("best")
        scores, tables = task.score(keeper.scored)
    for name, rows in tables.items():
        run_folder.write_rows(folder / name, rows)
    scores["parameters"] = model.count_params()
    (folder / "state.keras").unlink(missing_ok=True)
    run_folder.write_json(folder / "scores.json", scores)
    return run_folder.read(folder)


@contextlib.contextmanager
def _until_fitted(batches: Callable[[], Iterator]) -> Iterator[Callable[[], Iterator]]:
    """Give batches for `fit` that end with this block, and what they are made of goes with them.

    TensorFlow holds a generator that it was fed from for as long as the process lives, and with it all images.
    """
    begun: dict[int, Iterator] = {}
    ways = [batches]

    def source():
        place = len(begun)
        begun[place] = ways[0]()
        while made := begun.get(place):
            batch = next(made)
            del made  # or it would be held, too
            yield batch

    try:
        yield source
    finally:
        begun.clear()
        ways.clear()


@contextlib.contextmanager
def _policy(name: str | None) -> Iterator[None]:
    """Keras' global dtype policy for the length of a with block."""
    before = keras.config.dtype_policy()
    if name is not None:
        keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
