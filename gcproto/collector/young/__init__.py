"""Young collections: most of the heap keeps its place, and what was allocated lately is compacted.

Follows ART's generational CMC as of AOSP's branch 25Q4-release: runtime/gc/collector/mark_compact.cc, the comment
"Generational CMC description"; it came with c682b8b029, "Make CMC GC generational", September 2024.

- Three generations follow each other in the moving space.  What was allocated since the last collection is young.
  What has survived one collection is in the middle.  What has survived two is old.  So an object that was made a moment
  before a collection is not promoted by it.
- A young collection marks what comes after the old generation.  Its roots are those of the mutators, and the old
  objects on dirty cards: the remembered set (gcproto.collector.compiled.cards).
- The old generation is the dense prefix.  It keeps its place, whatever has died in it.  The whole space is flipped
  nevertheless, so each old page must be mapped in to-space again.  MOVE changes its mapping, COPY copies it.  Nothing
  else is done to most of these pages (gcproto.collector.compiled.noting), so there the two differ most.
- Survivors of the middle generation are compacted next to the old one and belong to it from then on.  Survivors of the
  young one come to the middle.  The borders are rounded up to pages.  An object belongs to the generation it begins in.
- Kept from one collection to the next: the bitmaps of the old generation, the two borders, dirty cards.
- A full collection marks everything, decides on a dense prefix again, and promotes in the same way.
- gcproto.collector.young.policy says when a full one follows.

It departs from ART in that
- both bitmaps are kept, of live words as well as of first words: old objects are marked already, so marking compares no
  addresses;
- the leads of old pages are kept as well: preparing a young collection costs nothing for old pages, where ART 25Q4
  computes their first objects again (InitNonMovingFirstObjects);
- bits of promoted objects are computed from the bitmaps of before, not set as pages are built
  (SetBitForMidToOldPromotion);
- there are no classes, which ART keeps in front of the end of the old generation for their objects' sake
  (class_after_obj_map_);
- a collection that frees nothing is carried out as well (ART: PrepareForCompaction returns false);
- pages are evacuated one by one: no granules, no dense regions after the prefix.
"""
