/* The functions that never enter Go: they work in a forked child too. */
#include "internal.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF (x)

/* capi/build.sh defines both. */
#ifndef GOFOLLOW_VERSION
#define GOFOLLOW_VERSION unversioned
#endif
#ifndef GOFOLLOW_BUILD
#define GOFOLLOW_BUILD "gofollow " TEXT (GOFOLLOW_VERSION)
#endif

const char *
gofollow_version (void)
{
    return TEXT (GOFOLLOW_VERSION);
}

const char *
gofollow_build_info (void)
{
    return GOFOLLOW_BUILD;
}

uint32_t
gofollow_abi_version (void)
{
    return GOFOLLOW_ABI_VERSION;
}

const char *
gofollow_strerror (int code)
{
    switch (code) {
    case GOFOLLOW_OK:              return "success";
    case GOFOLLOW_ERR_ARGUMENT:    return "an argument is NULL or out of range";
    case GOFOLLOW_ERR_HANDLE:      return "the follower does not exist or was destroyed";
    case GOFOLLOW_ERR_BUSY:        return "another call on this follower has not returned yet";
    case GOFOLLOW_ERR_FULL:        return "the event queue is full: poll, then call again";
    case GOFOLLOW_ERR_FORKED:      return "the library was loaded before this process was forked: load it in the child";
    case GOFOLLOW_ERR_TOO_BIG:     return "the packet has more than 16 MiB";
    case GOFOLLOW_ERR_STATE:       return "the call is not allowed in this state";
    case GOFOLLOW_ERR_IO:          return "a file cannot be opened or read";
    case GOFOLLOW_ERR_FORMAT:      return "not a capture";
    case GOFOLLOW_ERR_TRUNCATED:   return "the capture ends within a record";
    case GOFOLLOW_ERR_DAMAGED:     return "the capture contradicts its format";
    case GOFOLLOW_ERR_UNSUPPORTED: return "the format of the capture is not supported";
    case GOFOLLOW_ERR_MEMORY:      return "there is no memory: poll, then call again, or flush";
    case GOFOLLOW_ERR_INTERNAL:    return "an internal error of gofollow: destroy the follower";
    }
    return code > 0 ? "success" : "unknown error code";
}
