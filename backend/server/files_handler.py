"""Requests that need no device: answered while a job runs, and before torch is there."""

from __future__ import annotations

import dataclasses
import itertools

from backend.bundles import Bundle, find_bundle
from backend.editing.recipes import Recipe, recipes_for
from backend.errors import UnknownEdit
from backend.server import transfers_handler, wire
from backend.server.editors import Catalogue
from backend.server.jobs import Job
from backend.server.wire import to_pixels
from edit_library.archive import parse_archive
from edit_library.edit import EditInfo, parse_info
from edit_library.errors import BadEdit, EditExists, EditNotFound
from edit_library.favourites import Favourites
from edit_library.library import Library
from edit_library.storage import INFO
from protocol import messages as m
from protocol.typed import MAX_BYTES


class FilesHandler:
    """Reads and writes the edit library; reads the bundles' descriptions."""

    def __init__(self, library: Library, catalogue: Catalogue) -> None:
        self._library = library
        self._catalogue = catalogue
        self._favourites = Favourites(library.user_dir)

    def answer(self, job: Job) -> m.Message:
        try:
            return self._answer(job)
        except EditNotFound as error:
            raise UnknownEdit(error.message) from error

    def _answer(self, job: Job) -> m.Message:
        library = self._library
        match job.request:
            case m.ListEdits(bundle):
                marked = self._favourites.of(bundle)
                return m.Edits([self._info(edit, marked) for edit in library.list(bundle)])
            case m.GetEdit(bundle, name):
                return self._content(bundle, name)
            case m.RenameEdit(bundle, name, title):
                renamed = library.rename(bundle, name, title).name
                self._favourites.rename(bundle, name, renamed)
                return m.Saved(renamed)
            case m.DeleteEdit(bundle, name):
                return m.Deleted(library.delete(bundle, name).name)
            case m.RestoreEdit(bundle, trash):
                return m.Saved(library.restore(bundle, trash).name)
            case m.SetFavourite(bundle, name, favourite):
                self._favourites.set(bundle, name, favourite)
                return m.Saved(name)
            case m.ExportEdit(bundle, name):
                return self._export(bundle, name)
            case m.ImportEdit(file, data):
                added = self._import(file, data)
                return m.Imported(added.bundle, added.name)
            case m.ListBundles():
                return m.Bundles(
                    [
                        dataclasses.replace(one, picture=self._catalogue.picture(one.name))
                        for one in self._catalogue.describe()
                    ]
                )
            case m.ListOwnModels() | m.NameParts() | m.SaveLabels() as request:
                from backend.server import own_models  # imports torch

                return own_models.answer(request)
            case m.ListDownloads():
                return transfers_handler.listed()
            case m.ListRecipes(name):
                model = find_bundle(name)
                return m.Recipes([_recipe(recipe, model) for recipe in recipes_for(model)])
        raise m.ProtocolError(f"no file work for {job.kind}")

    def _info(self, edit: EditInfo, marked: set[str]) -> m.EditInfo:
        return wire.edit_info(edit, favourite=edit.name in marked)

    def _content(self, bundle: str, name: str) -> m.EditContent:
        edit = self._library.get(bundle, name)
        info = self._info(edit.info, self._favourites.of(bundle))
        return m.EditContent(info, to_pixels(edit.vector), edit.info.generator_sha256)

    def _export(self, bundle: str, name: str) -> m.Exported:
        file, data = self._library.export_data(bundle, name)
        if len(data) > MAX_BYTES:
            raise BadEdit(f"'{name}' is too large to be sent; use 'editgan library export'.")
        return m.Exported(file, data)

    def _import(self, file: str, data: bytes) -> EditInfo:
        """Under its own name or, where that is taken, with the first free number after it."""
        try:
            return self._library.import_data(data, file)
        except EditExists:
            title = parse_info(parse_archive(data, file)[INFO]).title
        taken = {info.title for info in self._library.list()}
        number = next(n for n in itertools.count(2) if f"{title} {n}" not in taken)
        return self._library.import_data(data, file, name=f"{title} {number}")


def _recipe(recipe: Recipe, bundle: Bundle) -> m.RecipeInfo:
    return m.RecipeInfo(recipe.name, recipe.title, recipe.description, recipe.parts(bundle))
