"""Young collections: most of the heap stays as it is, and what was allocated lately is compacted.

Follows ART's generational CMC, as of branch 25Q4 of AOSP (runtime/gc/collector/mark_compact.cc, the comment "Generational
CMC description"; c682b8b029 "Make CMC GC generational", September 2024):

- Three generations lie one behind the other in the moving space.  What was allocated since the last collection is young;
  what has survived one collection is in the middle; what has survived two is old.  The first to be promoted is so never
  an object that was made a moment before the collection.
- A young collection marks what lies behind the old generation.  Its roots are those of the mutators and the old objects
  on dirty cards: the remembered set (gcproto.collector.compiled.cards).
- The old generation is the dense prefix.  It keeps its place, whatever has died in it.  The whole space is flipped
  nevertheless, so each old page is mapped in to-space again: by MOVE it changes its mapping, by COPY it is copied.
  That is where the two differ most, as nothing else is done to most of these pages (gcproto.collector.compiled.noting).
- The survivors of the middle generation are compacted behind it and old from then on, those of the young one come to the
  middle.  The borders are rounded up to pages; an object belongs to the generation in which it begins.
- Kept from one collection to the next: the bitmaps of the old generation, the two borders, dirty cards.
- A full collection marks everything, decides on a dense prefix anew, and promotes in the same way.
- When a full one follows: see gcproto.collector.young.policy.

It departs from ART in that
- both bitmaps are kept, of live words as well as of first words, so that old objects are marked already, and no address is
  compared; the leads of old pages are kept too, so that preparing a young collection costs nothing for the old ones
  (ART 25Q4 computes the first objects of all old pages again);
- bits of promoted objects are computed from the bitmaps of before, not set as pages are built (SetBitForMidToOldPromotion);
- there are no classes whose place must be in the old generation before that of their objects (class_after_obj_map_);
- a collection that frees nothing is carried out as well (ART: PrepareForCompaction returns false);
- pages are evacuated one by one: no granules, no dense regions behind the prefix.
"""
