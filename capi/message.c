/* The message of the last call without a handle that failed in a thread: there is no handle that could
 * keep it. It is a thread's own by a key and not by _Thread_local, so that it takes no static
 * TLS, of which a library that is loaded by dlopen gets little, and is freed with the thread. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static pthread_key_t key;
static int has_key;

__attribute__ ((constructor)) static void
make_key (void)
{
    has_key = pthread_key_create (&key, free) == 0;
}

void
gofollow_keep_message (char *message)
{
    if (!has_key) {
        free (message);
        return;
    }
    free (pthread_getspecific (key));
    if (pthread_setspecific (key, message) != 0) {
        pthread_setspecific (key, NULL);
        free (message);
    }
}

int
gofollow_kept_message (char *buf, size_t size)
{
    const char *message = has_key ? pthread_getspecific (key) : NULL;
    size_t length = message != NULL ? strlen (message) : 0;
    if (size > 0) {
        size_t n = length < size ? length : size - 1;
        if (n > 0)
            memcpy (buf, message, n);
        buf[n] = 0;
    }
    return (int) length;
}
