/* Contents: every word of every page is known, so a misplaced, duplicated or torn page is detected. */
#include <string.h>
#include <unistd.h>

#include "base/content.h"
#include "base/address.h"

uint64_t gcp_mix(uint64_t value)
{
    value += 0x9E3779B97F4A7C15ULL;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
    return value ^ (value >> 31);
}

/* Odd: words follow in steps of 2, so no word is zero. */
static uint64_t first_word(uint64_t seed, uint64_t page)
{
    return gcp_mix(seed ^ gcp_mix(page)) | 1;
}

uint64_t gcp_content(uint64_t seed, uint64_t page, uint64_t word)
{
    return first_word(seed, page) + 2 * word;
}

void gcp_content_fill(uint64_t start, uint64_t first_page, uint64_t pages, uint64_t seed)
{
    uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    for (uint64_t page = 0; page < pages; page++) {
        uint64_t *words = (uint64_t *)gcp_at(start + page * page_size);
        uint64_t value = first_word(seed, first_page + page);
        for (uint64_t i = 0; i < page_size / sizeof(*words); i++)
            words[i] = value + 2 * i;
    }
}

int64_t gcp_content_check(uint64_t start, uint64_t first_page, uint64_t pages, uint64_t seed)
{
    uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    for (uint64_t page = 0; page < pages; page++) {
        const uint64_t *words = (const uint64_t *)gcp_at(start + page * page_size);
        uint64_t value = first_word(seed, first_page + page), wrong = 0;
        for (uint64_t i = 0; i < page_size / sizeof(*words); i++)
            wrong |= words[i] ^ (value + 2 * i);
        if (wrong)
            return (int64_t)page;
    }
    return -1;
}

int64_t gcp_content_check_zero(uint64_t start, uint64_t pages)
{
    uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    for (uint64_t page = 0; page < pages; page++) {
        const uint64_t *words = (const uint64_t *)gcp_at(start + page * page_size);
        uint64_t wrong = 0;
        for (uint64_t i = 0; i < page_size / sizeof(*words); i++)
            wrong |= words[i];
        if (wrong)
            return (int64_t)page;
    }
    return -1;
}
