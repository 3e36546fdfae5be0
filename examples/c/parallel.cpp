// parallel CAPTURE...: follows each capture in a thread of its own and prints what it contains. C++17.
#include <gofollow.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// A follower that is destroyed with its owner. It can be moved, not copied.
class Follower {
public:
    explicit Follower (const gofollow_config &config = GOFOLLOW_CONFIG_INIT) { check (gofollow_create (&handle_, &config)); }
    ~Follower () { gofollow_destroy (handle_); }
    Follower (Follower &&other) noexcept : handle_ (std::exchange (other.handle_, 0)) {}
    Follower &operator= (Follower &&other) noexcept { std::swap (handle_, other.handle_); return *this; }
    Follower (const Follower &) = delete;
    Follower &operator= (const Follower &) = delete;

    // Follows a whole capture file; calls use for every event, whose bytes are valid until use returns.
    template <typename Use> void follow (const std::string &path, Use &&use)
    {
        gofollow_progress progress = GOFOLLOW_PROGRESS_INIT;
        check (gofollow_open_file (handle_, path.c_str ()));
        while (!progress.end) {
            check_unless_full (gofollow_read_file (handle_, 0, &progress));
            poll (use);
        }
        while (check_unless_full (gofollow_flush (handle_)) == GOFOLLOW_ERR_FULL)
            poll (use);
        poll (use);
    }

private:
    gofollow_t handle_ = 0;

    int check (int result) const
    {
        if (result >= 0)
            return result;
        char message[256] = "";
        if (handle_ == 0 || gofollow_error_message (handle_, message, sizeof message) <= 0)
            throw std::runtime_error (gofollow_strerror (result));
        throw std::runtime_error (message);
    }

    int check_unless_full (int result) const { return result == GOFOLLOW_ERR_FULL ? result : check (result); }

    template <typename Use> void poll (Use &&use)
    {
        gofollow_event events[256];
        while (int n = check (gofollow_poll (handle_, events, 256)))
            for (int i = 0; i < n; i++)
                use (events[i]);
    }
};

struct Result {
    unsigned long long connections = 0, bytes = 0, missing = 0;
    std::string error;
};

int main (int argc, char **argv)
{
    const std::vector<std::string> paths (argv + 1, argv + argc);
    std::vector<Result> results (paths.size ());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < paths.size (); i++)
        threads.emplace_back ([&path = paths[i], &result = results[i]] {
            try {
                Follower ().follow (path, [&result] (const gofollow_event &e) {
                    result.connections += e.kind == GOFOLLOW_CLOSED;
                    result.bytes += e.kind == GOFOLLOW_DATA ? e.length : 0;
                    result.missing += e.kind == GOFOLLOW_GAP ? e.length : 0;
                });
            } catch (const std::exception &e) {
                result.error = e.what ();
            }
        });
    for (auto &thread : threads)
        thread.join ();
    int failed = 0;
    for (std::size_t i = 0; i < paths.size (); i++) {
        const Result &r = results[i];
        std::printf ("%s: %llu connections, %llu bytes, %llu missing%s%s\n", paths[i].c_str (), r.connections, r.bytes, r.missing,
                     r.error.empty () ? "" : ": ", r.error.c_str ());
        failed |= !r.error.empty ();
    }
    return failed;
}
