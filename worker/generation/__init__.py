"""From a spec to tickets: `pipeline` runs it, from line to line of this map.

text       `dialects`, `html`: any markup as Markdown, each character in its place
blocks     `lines`, `tables`, `blocks`: headings, paragraphs, items, rows, code
sentences  `spec`: numbered, by section; `identifiers`: what the spec calls them
roles      `roles`: requirement, risk, background, …, by the words in `signals`, `topics`,
           `stated`, `imprint`
plan       `plan`: how many tickets; `pieces`: which requirements make each; `shares`: which epic
drafts of a small model, which only chooses:
           `extractive` and `choosing`, among `titles` (from `headings` or by `phrases`, `wishes`,
           `nouns`, `words`, cut by `cutting`); `descriptions`; `order`, `sequence`: what
           waits for what
drafts of a larger one, which writes; `freeform` sees to:
  calls    `outline`, `batches`: a long spec in parts; `writing`: each part, asked with `question`,
           `shape`, `prompts` in `calls`, within `budget`,
           `rate`, `lengths` and `thoughts`
  reading  `answer`, `layout`, `reading`, `endings`: what in the model's text is of use
  checks   `checks`, `rewriting`: of each ticket; `similarity`, `merging`, `epics`: of them all
  cover    `coverage`: what no ticket tells; `notes`: risks, questions; `grounding`: confidence
mending    `mending`: whatever a `draft` says, it keeps the rules
document   `document`: the result
everywhere `job`, `journal`, `text`, `markup`, `language`, `phrasebook`
"""
