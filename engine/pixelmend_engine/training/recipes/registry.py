"""Every recipe that there is."""

from pixelmend.errors import BadRequest
from pixelmend_engine.training.recipes import diffbir, diffir, hidiff
from pixelmend_engine.training.recipes.recipe import Recipe

RECIPES = (*hidiff.RECIPES, *diffir.RECIPES, *diffbir.RECIPES)


def find(recipe_id: str, family: str | None = None) -> Recipe:
    """Returns the recipe of that id; with a family, its name may be left out of the id.

    Raises:
        BadRequest: There is none.
    """
    ids = (recipe_id,) if family is None else (recipe_id, f"{family}-{recipe_id}")
    for recipe in RECIPES:
        if recipe.id in ids and (family is None or recipe.family == family):
            return recipe
    known = (recipe.id for recipe in RECIPES if family in (None, recipe.family))
    raise BadRequest(f"There is no recipe `{recipe_id}`", hint=f"Use {', '.join(known)}")
