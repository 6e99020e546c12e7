"""Every recipe that there is."""

from pixelmend.errors import BadRequest
from pixelmend_engine.training.recipes import diffir, hidiff
from pixelmend_engine.training.recipes.recipe import Recipe

RECIPES = (*hidiff.RECIPES, *diffir.RECIPES)


def find(recipe_id: str) -> Recipe:
    """Returns the recipe of that id.

    Raises:
        BadRequest: There is none.
    """
    for recipe in RECIPES:
        if recipe.id == recipe_id:
            return recipe
    raise BadRequest(
        f"There is no recipe `{recipe_id}`", hint=f"Use {', '.join(r.id for r in RECIPES)}"
    )
