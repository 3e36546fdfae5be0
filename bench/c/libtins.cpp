// Follows a capture file with libtins: with the class TCPStreamFollower, which
// keeps every stream's payload, or with -new, TCPIP::StreamFollower, which is told
// to drop what was delivered.
#include <tins/tcp_ip/stream_follower.h>
#include <tins/tins.h>

#include <map>
#include <memory>

#include "harness.h"

namespace {

void report_payload(Tins::IPv4Address client, unsigned port, const char *sender, const std::vector<uint8_t> &payload)
{
    const uint32_t address = client; // in network order
    report_side(&address, port, sender, payload.size(), crc32_add(0, payload.data(), payload.size()), -1);
}

void report_stream(Tins::TCPStream &s)
{
    const auto &i = s.stream_info();
    report_payload(i.client_addr, i.client_port, "client", s.client_payload());
    report_payload(i.client_addr, i.client_port, "server", s.server_payload());
}

uint64_t follow_keeping(const char *path, bool report)
{
    Tins::FileSniffer sniffer(path);
    Tins::TCPStreamFollower follower;
    std::map<uint64_t, Tins::TCPStream *> open; // what the end callback was not called for, in a report
    uint64_t delivered = 0, updates = 0;
    follower.follow_streams(
        sniffer,
        [&](Tins::TCPStream &s) {
            updates++;
            if (report)
                open[s.id()] = &s;
        },
        [&](Tins::TCPStream &s) {
            delivered += s.client_payload().size() + s.server_payload().size();
            if (report) {
                report_stream(s);
                open.erase(s.id());
            }
        });
    for (auto &stream : open)
        report_stream(*stream.second);
    return updates > 0 ? delivered : 0;
}

struct Said {
    uint64_t bytes[2] = {0, 0};
    uint32_t crc[2] = {0, 0};
};

uint64_t follow_dropping(const char *path, bool report)
{
    using Tins::TCPIP::Stream;
    Tins::FileSniffer sniffer(path);
    Tins::TCPIP::StreamFollower follower;
    uint64_t delivered = 0;
    std::vector<std::pair<std::pair<Tins::IPv4Address, unsigned>, std::unique_ptr<Said>>> said;
    follower.new_stream_callback([&](Stream &s) {
        Said *here = nullptr;
        if (report) {
            said.emplace_back(std::make_pair(s.client_addr_v4(), s.client_port()), std::make_unique<Said>());
            here = said.back().second.get();
        }
        s.client_data_callback([&delivered, here](Stream &of) {
            delivered += of.client_payload().size();
            if (here != nullptr) {
                here->bytes[0] += of.client_payload().size();
                here->crc[0] = crc32_add(here->crc[0], of.client_payload().data(), of.client_payload().size());
            }
        });
        s.server_data_callback([&delivered, here](Stream &of) {
            delivered += of.server_payload().size();
            if (here != nullptr) {
                here->bytes[1] += of.server_payload().size();
                here->crc[1] = crc32_add(here->crc[1], of.server_payload().data(), of.server_payload().size());
            }
        });
    });
    sniffer.sniff_loop([&](Tins::Packet &packet) {
        follower.process_packet(packet);
        return true;
    });
    for (const auto &s : said) {
        const uint32_t address = s.first.first;
        for (int i = 0; i < 2; i++)
            report_side(&address, s.first.second, i ? "server" : "client", s.second->bytes[i], s.second->crc[i], -1);
    }
    return delivered;
}

} // namespace

static uint64_t follow(const char *path, int report)
{
    return n_arguments > 0 ? follow_dropping(path, report != 0) : follow_keeping(path, report != 0);
}
