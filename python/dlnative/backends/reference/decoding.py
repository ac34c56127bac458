"""The search for the most likely labels of a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def ctc_beam_search(
    log_probabilities: Array, lengths: Array, beam_width: int, top_paths: int, blank: int
) -> tuple[Array, Array]:
    batch, steps, _ = log_probabilities.shape
    paths = np.full((top_paths, batch, steps), -1, "int32")
    scores = np.full((batch, top_paths), -np.inf, log_probabilities.dtype)
    for index in range(batch):
        found = _best(log_probabilities[index, : max(int(lengths[index]), 0)], beam_width, blank)
        for place, (score, labels) in enumerate(found[:top_paths]):
            scores[index, place] = score
            paths[place, index, : len(labels)] = labels
    return paths, scores


def _best(log_probabilities: Array, beam_width: int, blank: int) -> list[tuple[float, list[int]]]:
    """Prefix beam search (Hannun, "Sequence modeling with CTC", Distill, 2017), for all prefixes of the beam at once.

    A prefix is a node of a tree: its parent and its last label. Of each, the probabilities of the paths that end in a blank
    and in that label are kept apart: only behind a blank may the label follow itself as a new one.
    """
    classes = log_probabilities.shape[-1]
    parents, labels = [-1], [-1]  # of node 0, the empty prefix
    nodes: dict[tuple[int, int], int] = {}
    beam = np.zeros(1, np.int64)
    after_blank, after_label = np.zeros(1), np.full(1, -np.inf)
    for step in log_probabilities.astype(np.float64):
        total = np.logaddexp(after_blank, after_label)
        last = np.array([labels[node] for node in beam])
        stay_blank = total + step[blank]
        stay_label = after_label + np.where(last >= 0, step[last], -np.inf)
        longer = total[:, None] + step
        own = np.nonzero(last >= 0)[0]
        longer[own, last[own]] = after_blank[own] + step[last[own]]
        longer[:, blank] = -np.inf
        place = {node: index for index, node in enumerate(beam.tolist())}
        for index in own:  # a longer prefix that is in the beam
            before = place.get(parents[beam[index]])
            if before is not None:
                stay_label[index] = np.logaddexp(stay_label[index], longer[before, last[index]])
                longer[before, last[index]] = -np.inf
        candidates = np.concatenate([longer, np.logaddexp(stay_blank, stay_label)[:, None]], axis=1).ravel()
        chosen = np.argsort(-candidates, kind="stable")[:beam_width]
        chosen = chosen[candidates[chosen] > -np.inf]
        prefixes, label = chosen // (classes + 1), chosen % (classes + 1)
        stays = label == classes
        following = []
        for index, new in zip(prefixes.tolist(), label.tolist(), strict=True):
            node = int(beam[index])
            if new < classes:
                key = node, new
                if key not in nodes:
                    nodes[key] = len(parents)
                    parents.append(node)
                    labels.append(new)
                node = nodes[key]
            following.append(node)
        beam = np.array(following, np.int64)
        after_blank = np.where(stays, stay_blank[prefixes], -np.inf)
        after_label = np.where(stays, stay_label[prefixes], candidates[chosen])
    scores = np.logaddexp(after_blank, after_label)
    result = []
    for index in np.argsort(-scores, kind="stable"):
        path, node = [], int(beam[index])
        while node > 0:
            path.append(labels[node])
            node = parents[node]
        result.append((float(scores[index]), path[::-1]))
    return result
