"""How solutions/ becomes lessons/.

`nbgrader` reads this file when it is started in the repository's root. What is handed in is graded by `grading/`:
nbgrader has no sandbox.
"""

from nbconvert.preprocessors import ClearMetadataPreprocessor, Preprocessor
from nbgrader.converters import GenerateAssignment

c = get_config()  # noqa: F821

c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "lessons"
# what a solution has written beside itself
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.keras"]

# by these words helpers/show/checks.py knows what is not written yet
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("Your code here: replace this line.")'}


class GoOnAfterAFailedCheck(Preprocessor):
    """Mark each check so that "Run All" goes on after it: Jupyter would stop at the first exercise left open."""

    enabled = True

    def preprocess_cell(self, cell, resources, index):
        """Tag the cell if it is a check."""
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.tags = sorted({*cell.metadata.get("tags", []), "raises-exception"})
        return cell, resources


# nbgrader leaves widget state and timings behind
c.GenerateAssignment.preprocessors = [
    *GenerateAssignment.class_traits()["preprocessors"].default(),
    ClearMetadataPreprocessor,
    GoOnAfterAFailedCheck,
]
c.ClearMetadataPreprocessor.enabled = True
c.ClearMetadataPreprocessor.preserve_nb_metadata_mask = {"kernelspec", ("language_info", "name")}
c.ClearMetadataPreprocessor.preserve_cell_metadata_mask = {
    "nbgrader",
    "tags",
    "deletable",
    "editable",
    ("jupyter", "source_hidden"),  # checks stay folded
}
