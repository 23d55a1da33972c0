"""The same edits on hundreds of photos: which ones, by whom, in what order, and what was done.

`run` puts it together. A *crew* does the work: processes of this machine (`local_crew`) or actors
of a Ray cluster (`ray_crew`); each of its members is a `worker` with a model of its own. The one
who hands the photos out (`dispatch`) alone puts results in their place and writes the manifest:
that is why each photo is written once, whatever happens to a member. Knows no arguments.
"""
