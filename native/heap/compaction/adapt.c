#include "heap/compaction/adapt.h"

#include <string.h>

#include "uffd/answer.h"

/* What calls cost beside a second live thread on the machine that this was written on; soon the calls themselves count. */
#define MOVE_FIXED_NS 6000
#define MOVE_PAGE_PS 200000
#define SPLIT_FIXED_NS 8000
#define SPLIT_PAGE_PS 1500000
#define COPY_FIXED_NS 600
#define COPY_PAGE_PS 450000
#define RELEASE_PAGE_PS 200000
#define RELEASE_PAGES 256 /* fewer say nothing of a page */
#define RELEASE_MOST 2000000
#define UPDATE_NS 100
#define UPDATE_MOST 50000 /* more, and its thread was preempted */

#define DECAY 0.98

/*
 * A challenger wins if it costs less than this share.  Many short faults also cost time in the caches, and lengthen the
 * window; both arms pay for that.  So a larger group needs less of an advantage than a smaller one.
 */
#define LARGER_BELOW 0.99
#define SMALLER_BELOW 0.92

#define OUTLIER 8 /* times what was expected */
#define LARGEST (1ULL << 50)

static void fit(struct gcp_line *line)
{
    double spread = line->weight * line->squares - line->pages * line->pages;
    double slope = (double)line->page_ps / 1000;
    if (spread > 1e-9 * line->weight * line->squares)
        slope = (line->weight * line->products - line->pages * line->ns) / spread;
    double per_call = line->weight > 0 ? (line->ns - slope * line->pages) / line->weight : 0;
    if (slope < 0 || per_call < 0) {
        /* Nothing costs less the more of it there is: all by the page, or all by the call. */
        per_call = slope < 0 ? line->ns / line->weight : 0;
        slope = slope < 0 ? 0 : line->ns / line->pages;
    }
    __atomic_store_n(&line->fixed_ns, (uint64_t)per_call, __ATOMIC_RELAXED);
    __atomic_store_n(&line->page_ps, (uint64_t)(slope * 1000), __ATOMIC_RELAXED);
}

/* Weighted by 1/pages^2, so that the relative error counts and not that of the longest run. */
static void take(struct gcp_line *line, double pages, double ns)
{
    double weight = 1 / (pages * pages);
    line->weight += weight;
    line->pages += weight * pages;
    line->squares += weight * pages * pages;
    line->ns += weight * ns;
    line->products += weight * pages * ns;
}

void gcp_line_init(struct gcp_line *line, uint64_t fixed_ns, uint64_t page_ps)
{
    *line = (struct gcp_line){.fixed_ns = fixed_ns, .page_ps = page_ps};
    for (int i = 0; i < 4; i++)
        for (uint64_t pages = 1; pages <= 256; pages *= 16)
            take(line, (double)pages, (double)fixed_ns + (double)pages * (double)page_ps / 1000);
}

uint64_t gcp_line_ns(const struct gcp_line *line, uint64_t pages)
{
    uint64_t page = __atomic_load_n(&line->page_ps, __ATOMIC_RELAXED);
    if (page && pages > LARGEST / page)
        return LARGEST;
    return __atomic_load_n(&line->fixed_ns, __ATOMIC_RELAXED) + pages * page / 1000;
}

void gcp_line_add(struct gcp_line *line, uint64_t pages, uint64_t ns)
{
    uint64_t most = OUTLIER * (gcp_line_ns(line, pages) + 1);
    if (!pages)
        return;
    line->weight *= DECAY;
    line->pages *= DECAY;
    line->squares *= DECAY;
    line->ns *= DECAY;
    line->products *= DECAY;
    take(line, (double)pages, (double)(ns < most ? ns : most));
    fit(line);
}

void gcp_contest_init(struct gcp_contest *contest, uint32_t group)
{
    *contest = (struct gcp_contest){.group = {group, group < GCP_CONTEST_REGION ? group * 2 : group / 2}};
}

uint32_t gcp_contest_arm(const struct gcp_contest *contest, uint64_t index)
{
    return contest->group[1] && index / GCP_CONTEST_REGION % GCP_CONTEST_SHARE == contest->turn;
}

/* The neighbour that has not lost yet, the larger one first; 0 if there is none. */
static uint32_t challenger(const struct gcp_contest *contest)
{
    uint32_t group = contest->group[0];
    if (!(contest->lost & 2) && group < GCP_CONTEST_REGION)
        return group * 2;
    if (!(contest->lost & 1) && group > 1)
        return group / 2;
    return 0;
}

static void begin(struct gcp_contest *contest, uint32_t group, uint32_t lost)
{
    contest->group[0] = group;
    contest->lost = lost;
    contest->group[1] = challenger(contest);
    memset(contest->faults, 0, sizeof(contest->faults));
    memset(contest->ns, 0, sizeof(contest->ns));
    memset(contest->pages, 0, sizeof(contest->pages));
    memset(contest->share, 0, sizeof(contest->share));
    if (!contest->group[1]) {
        contest->rest = GCP_CONTEST_REST << (contest->rests < 6 ? contest->rests : 6);
        contest->rests++;
    }
}

/* What a page of an arm costs mutators: in faults, and as far as they pay for it where the collector evacuates it. */
static double cost(const struct gcp_contest *contest, const struct gcp_shown *seen, int arm)
{
    double own = (double)contest->share[arm] - (double)contest->pages[arm];
    double lost = (double)contest->ns[arm] + (double)contest->faults[arm] * (double)seen->delivery_ns;
    return (lost + (own > 0 ? own : 0) * (double)seen->page_ns * (double)seen->weight / 1000) /
           (double)contest->share[arm];
}

void gcp_contest_end(struct gcp_contest *contest, const struct gcp_shown *seen)
{
    uint64_t challenged = seen->evacuated / GCP_CONTEST_SHARE;
    contest->turn = (contest->turn + 1) % GCP_CONTEST_SHARE;
    if (!contest->group[1]) {
        if (contest->rest && --contest->rest)
            return;
        begin(contest, contest->group[0], 0);
        return;
    }
    for (int arm = 0; arm < 2; arm++) {
        contest->faults[arm] += seen->faults[arm];
        contest->ns[arm] += seen->ns[arm];
        contest->pages[arm] += seen->pages[arm];
        contest->share[arm] += arm ? challenged : seen->evacuated - challenged;
    }
    if (contest->faults[0] < GCP_CONTEST_FAULTS || contest->faults[1] < GCP_CONTEST_FAULTS || !contest->share[0] ||
        !contest->share[1])
        return;
    double held = cost(contest, seen, 0), tried = cost(contest, seen, 1);
    uint32_t before = contest->group[0], group = contest->group[1], up = group > before;
    if (tried < (up ? LARGER_BELOW : SMALLER_BELOW) * held)
        begin(contest, group, up ? 1 : 2); /* no new trial of the arm that it has beaten */
    else
        begin(contest, before, contest->lost | (up ? 2 : 1));
}

void gcp_adapt_init(struct gcp_adapt *adapt, uint64_t interrupt_ns)
{
    *adapt = (struct gcp_adapt){.interrupt_ns = interrupt_ns};
    gcp_line_init(&adapt->move, MOVE_FIXED_NS, MOVE_PAGE_PS);
    gcp_line_init(&adapt->move_large, SPLIT_FIXED_NS, SPLIT_PAGE_PS);
    gcp_line_init(&adapt->copy, COPY_FIXED_NS, COPY_PAGE_PS);
    adapt->release_ps = RELEASE_PAGE_PS;
    adapt->update_ns = UPDATE_NS;
    gcp_contest_init(&adapt->contest, GCP_CONTEST_REGION);
}

uint32_t gcp_adapt_verb(const struct gcp_adapt *adapt, uint64_t pages, uint32_t large)
{
    uint64_t move = gcp_line_ns(large ? &adapt->move_large : &adapt->move, pages) + adapt->interrupt_ns;
    return move < gcp_line_ns(&adapt->copy, pages) + pages * adapt->release_ps / 1000 ? GCP_VERB_MOVE : GCP_VERB_COPY;
}

uint64_t gcp_adapt_run(const struct gcp_adapt *adapt, uint64_t pages)
{
    uint64_t run = GCP_ADAPT_LEAST, call = gcp_line_ns(&adapt->copy, 0);
    if (gcp_adapt_verb(adapt, pages, 0) == GCP_VERB_MOVE)
        call = gcp_line_ns(&adapt->move, 0) + adapt->interrupt_ns;
    double calls = (double)pages * (double)call;
    while (run < pages && 2 * (double)run * (double)run * (double)adapt->update_ns < calls)
        run *= 2;
    return run;
}

void gcp_adapt_updated(struct gcp_adapt *adapt, uint64_t ns)
{
    adapt->update_ns = (adapt->update_ns * 3 + (ns < UPDATE_MOST ? ns : UPDATE_MOST) + 3) / 4;
}

void gcp_adapt_released(struct gcp_adapt *adapt, uint64_t pages, uint64_t ns)
{
    if (pages < RELEASE_PAGES)
        return;
    uint64_t each = ns < LARGEST ? ns * 1000 / pages : RELEASE_MOST;
    adapt->release_ps = (adapt->release_ps * 3 + (each < RELEASE_MOST ? each : RELEASE_MOST)) / 4;
}

void gcp_adapt_add(struct gcp_adapt *adapt, uint32_t verb, uint32_t large, uint64_t pages, uint64_t ns)
{
    struct gcp_line *line = verb == GCP_VERB_COPY ? &adapt->copy : large ? &adapt->move_large : &adapt->move;
    gcp_line_add(line, pages, ns);
}
