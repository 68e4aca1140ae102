# make lab      opens JupyterLab on lesson 00; without a screen it prints the address to open
# make test     runs all tests but those of a browser
# make browser  opens lessons, solutions and the book's page with a network in Chromium; ONLY="00 or 03" for some of them
# make lessons  writes lessons/ from solutions/
# make book     makes the web book, build/book/html/index.html
# make fix      mends and formats code and solutions with ruff
# make style    says what make fix would change, and whether the types of nets, scores, tasks, training agree
# make grade    grades what lies in submitted/ into grades.csv and feedback/; docs/instructors.md has its settings
# make leaderboard SEED=a-long-secret   scores the networks of lesson 15 anew, leaderboard.html
# make new-lesson NAME=16_my_lesson   begins a lesson of your own in solutions/
# make clean    removes what make has made; lessons, data, runs and grades stay
#
# The first one makes .venv with the versions of requirements.txt. Settings:
#   PYTHON=/path/to/python3.12   which Python
#   TENSORFLOW=gpu               the build for NVIDIA GPUs on Linux
#   NEWEST=1                     the newest versions instead of the pinned ones, in .venv-newest

supported = import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(firstword $(foreach python,python3 python3.13 python3.12 python3.11,\
	$(shell $(python) -c '$(supported)' >/dev/null 2>&1 && echo $(python))))

VENV := $(if $(NEWEST),.venv-newest,.venv)
BIN := $(VENV)/bin
# what is installed is asked of the stamps, so a GPU's environment stays one
TENSORFLOW ?= $(if $(wildcard $(VENV)/installed-*-gpu),gpu,cpu)
OTHER := $(if $(filter gpu,$(TENSORFLOW)),cpu,$(if $(filter cpu,$(TENSORFLOW)),gpu,$(error TENSORFLOW is cpu or gpu, not $(TENSORFLOW))))
LEARNER := $(VENV)/installed-learner-$(TENSORFLOW)
EVERYTHING := $(VENV)/installed-everything-$(TENSORFLOW)
# both builds of TensorFlow own the same folder, so one goes before the other comes
INSTALL = if ls $(VENV)/installed-*-$(OTHER) >/dev/null 2>&1; then \
	$(BIN)/python -m pip uninstall --yes tensorflow tensorflow-cpu && rm -f $(VENV)/installed-*-$(OTHER); fi && \
	$(BIN)/python -m pip install --no-compile $(if $(NEWEST),,-c requirements.txt)
# pip compiles with one processor; without any of it, TensorFlow takes 12 s to import instead of 3
COMPILE = { $(BIN)/python -m compileall -q -j 0 $(VENV)/lib helpers || true; }

HEADLESS = $(if $(SSH_CONNECTION),yes,$(if $(filter Linux,$(shell uname)),$(if $(DISPLAY)$(WAYLAND_DISPLAY),,yes)))
PYTEST = $(BIN)/python -m pytest
# the networks, losses and metrics are written for every backend of Keras; a step that runs once is not worth
# all of XLA's optimisation (level 1 of 3; at level 0 a step of CBAM gives NaN with JAX 0.10)
BACKEND_TESTS = $(patsubst %,tests/test_%.py,attention nets losses metrics)
# without a connection the book is made all the same, and its page with a network says what it lacks
PAGE_PARTS = -$(BIN)/python tools/make_page_parts.py
# a setting as one word of the shell, whatever it holds
quoted = '$(subst ','\'',$(1))'
NBGRADER = PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m nbgrader

.PHONY: lab test browser lessons book fix style grade leaderboard new-lesson clean

lab: $(LEARNER)
	$(BIN)/python -m jupyterlab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/lessons/00_start_here/00_start_here.ipynb \
		$(if $(HEADLESS),--no-browser) $(if $(filter 0,$(shell id -u)),--allow-root)

test: $(EVERYTHING)
	KERAS_BACKEND=jax XLA_FLAGS=--xla_backend_optimization_level=1 $(PYTEST) -n 2 --dist loadgroup $(BACKEND_TESTS)
	$(PYTEST) -n 2 --dist loadgroup

browser: $(EVERYTHING)
	$(PAGE_PARTS)
	$(PYTEST) tests/browser $(if $(ONLY),-k "$(ONLY)")

lessons: $(EVERYTHING)
	rm -rf build/lessons build/lessons-before && mkdir -p build lessons
	$(NBGRADER) generate_assignment "*" --no-db --force --CourseDirectory.release_directory=build/lessons
	mv lessons build/lessons-before && mv build/lessons lessons

book: $(EVERYTHING)
	$(PAGE_PARTS)
	$(BIN)/python docs/make_book.py

fix: $(EVERYTHING)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

style: $(EVERYTHING)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python

grade: $(EVERYTHING)
	$(BIN)/python -m grading $(call quoted,$(or $(SUBMISSIONS),submitted)) \
		$(if $(SOLUTIONS),--solutions $(call quoted,$(SOLUTIONS))) $(if $(SEED),--seed $(call quoted,$(SEED))) \
		$(if $(ROSTER),--roster $(call quoted,$(ROSTER))) $(if $(LESSONS),--lessons $(LESSONS)) $(OPTIONS)

leaderboard: $(EVERYTHING)
	SEED=$(call quoted,$(SEED)) $(BIN)/python -m grading.leaderboard $(call quoted,$(or $(SUBMISSIONS),submitted)) $(OPTIONS)

new-lesson: $(LEARNER)
	$(BIN)/python -m grading.new_lesson $(call quoted,$(NAME)) $(if $(SOLUTIONS),--solutions $(call quoted,$(SOLUTIONS)))

clean:
	rm -rf .venv .venv-newest build *.egg-info .pytest_cache .ruff_cache
	find helpers tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(LEARNER): requirements.txt pyproject.toml | $(BIN)/pip
	$(INSTALL) -e ".[$(TENSORFLOW),lab]" && $(COMPILE) && touch $@

$(EVERYTHING): requirements.txt pyproject.toml | $(BIN)/pip
	$(INSTALL) -e ".[$(TENSORFLOW),lab,jax,onnx,instructor,book,dev]" && $(COMPILE) && touch $(LEARNER) $@

# the pip of an old Python takes a minute more to choose the versions; where it cannot be renewed, it does
$(BIN)/pip:
	@$(or $(PYTHON),false) -c '$(supported)' || { echo 'error: Python 3.11, 3.12 or 3.13 is needed: install one,' \
		'or name it, as in make $(MAKECMDGOALS) PYTHON=/path/to/python3.12' >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	-$(BIN)/python -m pip install --quiet --upgrade $(if $(NEWEST),,-c requirements.txt) pip
