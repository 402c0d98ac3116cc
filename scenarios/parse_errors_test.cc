// What a scenario file may not say, and exactly how it is told: file, place, found, expected.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "scenarios/json_place.h"
#include "scenarios/scenario.h"

namespace tribunal {
namespace {

std::string error_of(const std::string& text, const std::string& folder = "") {
    try {
        parse_scenario(text, "t.json", folder);
    } catch (const ScenarioError& error) {
        return error.what();
    }
    return "no error";
}

struct BadText {
    const char* text;
    const char* message;
};

TEST(ParseErrors, say_where_a_text_is_not_what_it_should_be) {
    const BadText rows[] = {
        {"", "t.json: is empty"},
        {" \n\t", "t.json: is empty"},
        {"{", "t.json: line 1, column 2: unexpected end of input; expected string literal"},
        {"{\n  \"name\": \"x\",\n}",
         "t.json: line 3, column 1: unexpected '}'; expected string literal"},
        {"{ \"name\": 'x' }",
         "t.json: line 1, column 11: invalid literal; last read: '\"name\": ''"},
        {"{ // no comment\n}",
         "t.json: line 1, column 3: invalid literal; last read: '{ /'; expected string literal"},
        {"{ \"name\": \"x\" } x",
         "t.json: line 1, column 17: invalid literal; last read: '\"x\" } x'; expected end of "
         "input"},
        {"[]", "t.json: found an empty array, expected an object"},
        {"7", "t.json: found 7, expected an object"},
        {"{ \"name\": \"x\", \"name\": \"y\" }", "t.json: /name: the key stands here twice"},
        {"{ \"name\": \"x\", \"clients\": [ {}, { \"load\": { \"a/b\": 1, \"a/b\": 2 } } ] }",
         "t.json: /clients/1/load/a~1b: the key stands here twice"},
        {"{ \"name\": \"\xff\" }",
         "t.json: line 1, column 12: invalid string: ill-formed UTF-8 byte; last read: '\"?'"},
        {"{ \"seed\": 1e999 }", "t.json: number overflow parsing '1e999'"},
        {"{}", "t.json: 'name' is missing"},
    };
    for (const BadText& row : rows) EXPECT_EQ(error_of(row.text), row.message) << row.text;
}

// The rows are merge patches (RFC 7386) of this.
constexpr std::string_view kBase = R"({
  "name": "base",
  "cluster": { "brokers": 3 },
  "topics": [ { "name": "orders", "partitions": 2 } ],
  "clients": [
    { "producer": "p1", "topic": "orders" },
    { "consumer": "c1", "group": "billing", "topics": ["orders"] } ],
  "run": { "for": "10s", "heal": "30s" }
})";

struct BadPatch {
    const char* patch;
    const char* message;
};

constexpr BadPatch kBadPatches[] = {
    {R"({"name": ""})", "t.json: /name: found \"\", expected a string that is not empty"},
    {R"({"name": null})", "t.json: 'name' is missing"},
    {R"({"topcis": []})", "t.json: /topcis: unknown key; did you mean 'topics'?"},
    {R"({"whatever": 1})",
     "t.json: /whatever: unknown key; valid: $schema, name, description, kafka, seed, cluster, "
     "topics, clients, faults, world, run, check, expect, without_effect"},
    {R"({"description": 5})", "t.json: /description: found 5, expected a string"},
    {R"({"kafka": "4.2"})",
     "t.json: /kafka: found \"4.2\", expected one of 0.10, 0.11, 1.0, 1.1, 2.0, 2.1, 2.2, 2.3, "
     "2.4, 2.5, 2.6, 2.7, 2.8, 3.0, 3.1, 3.2, 3.3, 3.4, 3.5, 3.6, 3.7, 3.8, 3.9, 4.0, 4.1"},
    {R"({"kafka": 4.1})",
     "t.json: /kafka: found 4.1, expected one of 0.10, 0.11, 1.0, 1.1, 2.0, 2.1, 2.2, 2.3, 2.4, "
     "2.5, 2.6, 2.7, 2.8, 3.0, 3.1, 3.2, 3.3, 3.4, 3.5, 3.6, 3.7, 3.8, 3.9, 4.0, 4.1"},
    {R"({"seed": -1})",
     "t.json: /seed: found -1, expected an integer from 0 to 18446744073709551615"},
    {R"({"seed": "7"})",
     "t.json: /seed: found \"7\", expected an integer from 0 to 18446744073709551615"},
    {R"({"seed": 1.5})",
     "t.json: /seed: found 1.5, expected an integer from 0 to 18446744073709551615"},
    {R"({"cluster": 3})", "t.json: /cluster: found 3, expected an object"},
    {R"({"cluster": {"brokers": 0}})",
     "t.json: /cluster/brokers: found 0, expected an integer from 1 to 900"},
    {R"({"cluster": {"brokers": 901}})",
     "t.json: /cluster/brokers: found 901, expected an integer from 1 to 900"},
    {R"({"cluster": {"controllers": 2}})",
     "t.json: /cluster/controllers: found 2, expected 1, 3 or 5"},
    {R"({"cluster": {"controllers": 0}})",
     "t.json: /cluster/controllers: found 0, expected an integer from 1 to 2147483647"},
    {R"({"cluster": {"controllers": 5, "combined": true}})",
     "t.json: /cluster/combined: 5 controllers need as many brokers, found 3"},
    {R"({"cluster": {"combined": 1}})",
     "t.json: /cluster/combined: found 1, expected true or false"},
    {R"({"cluster": {"zones": []}})",
     "t.json: /cluster/zones: unknown key; valid: brokers, controllers, combined, racks, config"},
    {R"({"cluster": {"racks": ["a", "b"]}})",
     "t.json: /cluster/racks: found 2 racks, expected one for each of the 3 brokers"},
    {R"({"cluster": {"racks": ["a", "b", ""]}})",
     "t.json: /cluster/racks/2: found \"\", expected a string that is not empty"},
    {R"({"cluster": {"racks": ["a", "b", "b"], "config": {"broker.rack": "a"}}})",
     "t.json: /cluster/racks: stands beside the setting broker.rack; one of them is enough"},
    {R"~({"cluster": {"racks": ["east", "west", "west"]},
         "faults": [{"at": "1s", "kill": "rack(wets)"}]})~",
     "t.json: /faults/0/kill: unknown rack 'wets'; did you mean 'west'?"},
    {R"~({"faults": [{"at": "1s", "kill": "rack(a)"}]})~",
     "t.json: /faults/0/kill: unknown rack 'a'; the scenario has none"},
    {R"({"faults": [{"at": "1s", "upgrade": "broker 1"}]})", "t.json: /faults/0: 'to' is missing"},
    {R"({"faults": [{"at": "1s", "upgrade": "broker 1", "to": "4.2"}]})",
     "t.json: /faults/0/to: found \"4.2\", expected one of 0.10, 0.11, 1.0, 1.1, 2.0, 2.1, 2.2, "
     "2.3, 2.4, 2.5, 2.6, 2.7, 2.8, 3.0, 3.1, 3.2, 3.3, 3.4, 3.5, 3.6, 3.7, 3.8, 3.9, 4.0, 4.1"},
    {R"({"faults": [{"at": "1s", "upgrade": "p1", "to": "4.1"}]})",
     "t.json: /faults/0/upgrade: a client keeps the software that it began with"},
    {R"({"faults": [{"at": "1s", "upgrade": "broker 1", "to": "4.1", "for": "1s"}]})",
     "t.json: /faults/0/for: does not go with 'upgrade', only with faults that have an end"},
    {R"({"faults": [{"at": "1s", "stop": "broker 1", "to": "4.1"}]})",
     "t.json: /faults/0/to: does not go with 'stop', only with upgrade"},
    {R"({"kafka": "2.8", "faults": [{"at": "1s", "upgrade": "broker 1", "to": "3.1"}]})",
     "t.json: /faults/0/to: an upgrade is from 3.0 or later to 3.0 or later, found 2.8; KRaft was "
     "early access before, and nothing was promised of what it had written"},
    {R"({"cluster": {"config": {"min.insync.replica": 2}}})",
     "t.json: /cluster/config/min.insync.replica: unknown server setting; did you mean "
     "'min.insync.replicas'?"},
    {R"({"cluster": {"config": {"min.insync.replicas": 0}}})",
     "t.json: /cluster/config/min.insync.replicas: Invalid value 0 for configuration "
     "min.insync.replicas: Value must be at least 1"},
    {R"({"cluster": {"config": {"min.insync.replicas": "two"}}})",
     "t.json: /cluster/config/min.insync.replicas: Invalid value two for configuration "
     "min.insync.replicas: Not a number of type INT"},
    {R"({"cluster": {"config": {"min.insync.replicas": 99999999999}}})",
     "t.json: /cluster/config/min.insync.replicas: Invalid value 99999999999 for configuration "
     "min.insync.replicas: Not a number of type INT"},
    {R"({"cluster": {"config": {"unclean.leader.election.enable": "yes"}}})",
     "t.json: /cluster/config/unclean.leader.election.enable: Invalid value yes for configuration "
     "unclean.leader.election.enable: Expected value to be either true or false"},
    {R"({"cluster": {"config": {"replica.fetch.wait.max.ms": 40000}}})",
     "t.json: /cluster/config: replica.socket.timeout.ms should always be at least "
     "replica.fetch.wait.max.ms to prevent unnecessary socket timeouts"},
    {R"({"cluster": {"config": {"replica.fetch.wait.max.ms": 20000, "replica.lag.time.max.ms": 10000}}})",
     "t.json: /cluster/config: replica.fetch.wait.max.ms should always be less than or equal to "
     "replica.lag.time.max.ms to prevent frequent changes in ISR"},
    {R"({"cluster": {"config": {"log.retention.hours": 0}}})",
     "t.json: /cluster/config: log.retention.ms must be unlimited (-1) or, greater than or equal "
     "to 1"},
    {R"({"cluster": {"config": {"default.replication.factor": 4}}})",
     "t.json: /topics/0: default.replication.factor 4 is larger than the 3 brokers"},
    {R"({"cluster": {"config": {"offsets.topic.replication.factor": 5}}})",
     "t.json: /cluster/config: offsets.topic.replication.factor 5 is larger than the 3 brokers"},
    {R"({"cluster": {"config": {"tribunal.truncation": "kip100"}}})",
     "t.json: /cluster/config/tribunal.truncation: Invalid value kip100 for configuration "
     "tribunal.truncation: String must be one of: to_high_watermark, kip101, kip279, kip320, "
     "kip595"},
    {R"({"cluster": {"config": {"num.io.threads": "many"}}})",
     "t.json: /cluster/config/num.io.threads: Invalid value many for configuration num.io.threads: "
     "Not a number of type INT"},
    {R"({"cluster": {"config": {"ssl.key.password": ["x"]}}})",
     "t.json: /cluster/config/ssl.key.password: found an array, expected a string, a number, true "
     "or false"},
    {R"({"cluster": {"config": {"x.y.z": 1}}})",
     "t.json: /cluster/config/x.y.z: unknown server setting"},
    {R"({"cluster": {"config": 7}})",
     "t.json: /cluster/config: found 7, expected an object of settings, or the name of a "
     ".properties file"},
    {R"({"cluster": {"config": ["nosuch.properties"]}})",
     "t.json: /cluster/config/0: nosuch.properties: cannot be read: No such file or directory"},
    {R"({"cluster": {"config": {"log.cleanup.policy": "compress"}}})",
     "t.json: /cluster/config/log.cleanup.policy: Invalid value compress for configuration "
     "log.cleanup.policy: String must be one of: compact, delete"},
    {R"({"kafka": "2.3", "cluster": {"config": {"replica.selector.class": "x"}}})",
     "t.json: /cluster/config/replica.selector.class: replica.selector.class exists since Kafka "
     "2.4, and this scenario is for 2.3"},
    {R"({"topics": {"name": "orders"}})", "t.json: /topics: found an object, expected an array"},
    {R"({"topics": [{"partitions": 1}]})", "t.json: /topics/0: 'name' is missing"},
    {R"({"topics": [{"name": "bad name"}]})",
     "t.json: /topics/0/name: Topic name is invalid: 'bad name' contains one or more characters "
     "other than ASCII alphanumerics, '.', '_' and '-'"},
    {R"({"topics": [{"name": ".."}]})",
     "t.json: /topics/0/name: Topic name is invalid: '..' is not allowed"},
    {R"({"topics": [{"name": "__consumer_offsets"}]})",
     "t.json: /topics/0/name: '__consumer_offsets' is a name that Kafka reserves for an internal "
     "topic"},
    {R"({"topics": [{"name": "orders"}, {"name": "orders"}]})",
     "t.json: /topics/1/name: topic 'orders' stands here twice"},
    {R"({"topics": [{"name": "a.b"}, {"name": "a_b"}]})",
     "t.json: /topics/1/name: Topic 'a_b' collides with existing topics: a.b"},
    {R"({"topics": [{"name": "orders", "partitions": 0}]})",
     "t.json: /topics/0/partitions: found 0, expected an integer from 1 to 10000"},
    {R"({"topics": [{"name": "orders", "partitions": "three"}]})",
     "t.json: /topics/0/partitions: found \"three\", expected an integer from 1 to 10000"},
    {R"({"topics": [{"name": "orders", "replication.factor": 4}]})",
     "t.json: /topics/0/replication.factor: replication.factor 4 is larger than the 3 brokers"},
    {R"({"topics": [{"name": "orders", "replication_factor": 2}]})",
     "t.json: /topics/0/replication_factor: unknown key; did you mean 'replication.factor'?"},
    {R"({"topics": [{"name": "orders", "assignment": [[1, 2], [3]]}]})",
     "t.json: /topics/0/assignment/1: found 1 replica, expected 2 as in partition 0"},
    {R"({"topics": [{"name": "orders", "assignment": [[1, 4]]}]})",
     "t.json: /topics/0/assignment/0/1: found 4, expected a broker from 1 to 3"},
    {R"({"topics": [{"name": "orders", "assignment": [[1, 1]]}]})",
     "t.json: /topics/0/assignment/0/1: broker 1 stands here twice"},
    {R"({"topics": [{"name": "orders", "assignment": []}]})",
     "t.json: /topics/0/assignment: found an empty array, expected a list of replicas for each "
     "partition"},
    {R"({"topics": [{"name": "orders", "partitions": 2, "assignment": [[1, 2]]}]})",
     "t.json: /topics/0/assignment: found 1 partition, expected 2 as 'partitions' says"},
    {R"({"topics": [{"name": "orders", "replication.factor": 3, "assignment": [[1, 2]]}]})",
     "t.json: /topics/0/assignment: found 2 replicas, expected 3 as 'replication.factor' says"},
    {R"({"topics": [{"name": "orders", "config": {"segment.bites": 1000}}]})",
     "t.json: /topics/0/config/segment.bites: unknown topic setting; did you mean "
     "'segment.bytes'?"},
    {R"({"topics": [{"name": "orders", "config": {"retention.ms": -2}}]})",
     "t.json: /topics/0/config/retention.ms: Invalid value -2 for configuration retention.ms: "
     "Value must be at least -1"},
    {R"({"topics": [{"name": "orders", "config": {"message.timestamp.type": "Now"}}]})",
     "t.json: /topics/0/config/message.timestamp.type: Invalid value Now for configuration "
     "message.timestamp.type: String must be one of: CreateTime, LogAppendTime"},
    {R"({"topics": [{"name": "orders", "config": {"min.compaction.lag.ms": 5, "max.compaction.lag.ms": 4}}]})",
     "t.json: /topics/0/config: conflict topic config setting min.compaction.lag.ms (5) > "
     "max.compaction.lag.ms (4)"},
    {R"({"clients": [{"producr": "p1", "topic": "orders"}]})",
     "t.json: /clients/0/producr: unknown key; did you mean 'producer'?"},
    {R"({"clients": [{"topic": "orders"}]})",
     "t.json: /clients/0: expected one of the keys 'producer', 'consumer', 'admin' with the "
     "client's name"},
    {R"({"clients": [{"producer": "p1", "consumer": "p1"}]})",
     "t.json: /clients/0: is both a producer and a consumer"},
    {R"({"clients": [{"producer": "p1"}]})", "t.json: /clients/0: 'topic' is missing"},
    {R"({"clients": [{"producer": "p 1", "topic": "orders"}]})",
     "t.json: /clients/0/producer: found \"p 1\", expected a name of ASCII letters, digits, '.', "
     "'_' and '-'"},
    {R"({"clients": [{"producer": "brokers", "topic": "orders"}]})",
     "t.json: /clients/0/producer: a client cannot be named 'brokers', which is a target of "
     "faults"},
    {R"({"clients": [{"producer": "p1", "topic": "orders"}, {"producer": "p1", "topic": "orders"}]})",
     "t.json: /clients/1/producer: client 'p1' stands here twice"},
    {R"({"clients": [{"producer": "p1", "topic": "order"}]})",
     "t.json: /clients/0/topic: unknown topic 'order'; did you mean 'orders'?"},
    {R"({"clients": [{"producer": "p1", "topic": "payments"}]})",
     "t.json: /clients/0/topic: unknown topic 'payments'; valid: orders"},
    {R"({"clients": [{"producer": "p1", "topic": "__consumer_offsets"}, {"consumer": "c1", "group": "g", "topics": ["orders"]}]})",
     "t.json: /clients/0/topic: topic '__consumer_offsets' is internal"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "config": {"acsk": "all"}}]})",
     "t.json: /clients/0/config/acsk: unknown producer setting; did you mean 'acks'?"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "config": {"acks": 2}}]})",
     "t.json: /clients/0/config/acks: Invalid value 2 for configuration acks: String must be one "
     "of: all, -1, 0, 1"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "config": {"acks": null}}]})",
     "t.json: /clients/0/config/acks: found null, expected a string, a number, true or false"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "config": {"linger.ms": -1}}]})",
     "t.json: /clients/0/config/linger.ms: Invalid value -1 for configuration linger.ms: Value "
     "must be at least 0"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "config": {"linger.ms": "5 ms"}}]})",
     "t.json: /clients/0/config/linger.ms: Invalid value 5 ms for configuration linger.ms: Not a "
     "number of type LONG"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "config": {"delivery.timeout.ms": 10000}}]})",
     "t.json: /clients/0/config: delivery.timeout.ms should be equal to or larger than linger.ms + "
     "request.timeout.ms"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "config": {"enable.idempotence": true, "acks": 0}}]})",
     "t.json: /clients/0/config: Must set acks to all in order to use the idempotent producer. "
     "Otherwise we cannot guarantee idempotence."},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "config": {"transactional.id": "t1"}}]})",
     "t.json: /clients/0/config/transactional.id: transactional.id = t1 is not supported yet; "
     "leave it out"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "config": {"compression.type": "zip"}}]})",
     "t.json: /clients/0/config/compression.type: Invalid value zip for configuration "
     "compression.type: String must be one of: none, gzip, snappy, lz4, zstd"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "config": {"partitioner.class": "com.example.Mine"}}]})",
     "t.json: /clients/0/config/partitioner.class: Invalid value com.example.Mine for "
     "configuration partitioner.class: Class com.example.Mine could not be found; known are "
     "org.apache.kafka.clients.producer.RoundRobinPartitioner, "
     "org.apache.kafka.clients.producer.internals.DefaultPartitioner, "
     "org.apache.kafka.clients.producer.UniformStickyPartitioner, and none for the built-in rule"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "config": {"key.serializer": "com.example.Mine"}}]})",
     "t.json: /clients/0/config/key.serializer: Invalid value com.example.Mine for configuration "
     "key.serializer: Class com.example.Mine could not be found; known are string, integer, long, "
     "json, bytes and Kafka's classes for them"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "key.serializer": "avro"}]})",
     "t.json: /clients/0/key.serializer: found \"avro\", expected string, integer, long, json, "
     "bytes, or Kafka's class for one"},
    {R"({"kafka": "2.0", "clients": [{"producer": "p1", "topic": "orders", "config": {"delivery.timeout.ms": 60000}}]})",
     "t.json: /clients/0/config/delivery.timeout.ms: delivery.timeout.ms exists since Kafka 2.1, "
     "and this scenario is for 2.0"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "load": 5}]})",
     "t.json: /clients/0/load: found 5, expected an object, or the name of a file of lines"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "load": {"rate": "fast"}}]})",
     "t.json: /clients/0/load/rate: found \"fast\", expected a rate such as \"100/s\" or \"10/m\""},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "load": {"rate": "0/s"}}]})",
     "t.json: /clients/0/load/rate: found \"0/s\", expected a rate such as \"100/s\" or \"10/m\""},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "load": {"rate": "1/s", "interval": "1s"}}]})",
     "t.json: /clients/0/load/interval: stands beside 'rate'; one of them is enough"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "load": {"records": -1}}]})",
     "t.json: /clients/0/load/records: found -1, expected an integer from 0"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "load": {"value.size": "10KB"}}]})",
     "t.json: /clients/0/load/value.size: found \"10KB\", expected bytes, such as 10240 or "
     "\"10KiB\""},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "load": {"partition": 2}}]})",
     "t.json: /clients/0/load/partition: topic 'orders' has no partition 2; valid: 0 to 1"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "load": {"start": "20s"}}]})",
     "t.json: /clients/0/load/start: found \"20s\", expected a time in the faulty phase, which "
     "ends at 10s"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "load": {"lines": ["a"], "records": 5}}]})",
     "t.json: /clients/0/load/records: is for generated records, and 'lines' gives them"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "load": {"parse.key": true}}]})",
     "t.json: /clients/0/load/parse.key: is for a file of lines, and there is no 'file'"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "load": {"lines": [{"base64": "=x=="}]}}]})",
     "t.json: /clients/0/load/lines/0/base64: found \"=x==\", expected base64 with padding"},
    {R"({"clients": [{"producer": "p1", "topic": "orders", "load": "nosuch.txt"}]})",
     "t.json: /clients/0/load: nosuch.txt: cannot be read: No such file or directory"},
    {R"({"clients": [{"consumer": "c1"}]})",
     "t.json: /clients/0: one of 'topics' and 'assignment' is missing"},
    {R"({"clients": [{"consumer": "c1", "topics": ["orders"], "assignment": ["orders-0"]}]})",
     "t.json: /clients/0/assignment: stands beside 'topics'; one of them is enough"},
    {R"({"clients": [{"consumer": "c1", "topics": ["orders", "orders"]}]})",
     "t.json: /clients/0/topics/1: 'orders' stands here twice"},
    {R"({"clients": [{"consumer": "c1", "topics": []}]})",
     "t.json: /clients/0/topics: found an empty array, expected at least one element"},
    {R"({"clients": [{"consumer": "c1", "assignment": ["orders"]}]})",
     "t.json: /clients/0/assignment/0: found 'orders', expected a topic and its partition, such as "
     "'orders-0'"},
    {R"({"clients": [{"consumer": "c1", "assignment": ["orders-2"]}]})",
     "t.json: /clients/0/assignment/0: topic 'orders' has no partition 2; valid: 0 to 1"},
    {R"({"clients": [{"consumer": "c1", "topics": ["orders"], "config": {"enable.auto.commit": true}}]})",
     "t.json: /clients/0/config: enable.auto.commit cannot be set to true when default group id "
     "(null) is used."},
    {R"({"clients": [{"consumer": "c1", "topics": ["orders"], "group": "a", "config": {"group.id": "b"}}]})",
     "t.json: /clients/0/group: found 'a', but group.id is 'b'"},
    {R"({"clients": [{"consumer": "c1", "topics": ["orders"], "config": {"auto.offset.reset": "newest"}}]})",
     "t.json: /clients/0/config/auto.offset.reset: Invalid value newest for configuration "
     "auto.offset.reset: String must be one of: earliest, latest, none"},
    {R"({"clients": [{"consumer": "c1", "topics": ["orders"], "config": {"isolation.level": "serializable"}}]})",
     "t.json: /clients/0/config/isolation.level: Invalid value serializable for configuration "
     "isolation.level: String must be one of: read_committed, read_uncommitted"},
    {R"({"clients": [{"consumer": "c1", "assignment": ["orders-0"], "seek": [{"at": "1s", "partition": "orders-1", "offset": 0}]}]})",
     "t.json: /clients/0/seek/0/partition: orders-1 is not consumed by c1"},
    {R"({"clients": [{"consumer": "c1", "topics": ["orders"], "seek": [{"at": "1s", "partition": "orders-1", "offset": "start"}]}]})",
     "t.json: /clients/0/seek/0/offset: found \"start\", expected an offset from 0, \"beginning\" "
     "or \"end\""},
    {R"({"clients": [{"admin": "a1", "steps": [{"at": "1s"}]}]})",
     "t.json: /clients/0/steps/0: one of create_topic, delete_topic, list_topics, describe_topic, "
     "create_partitions, alter_partition_reassignments, list_partition_reassignments, "
     "elect_leaders, alter_configs, update_features, unregister_broker, delete_records, "
     "add_raft_voter, remove_raft_voter is missing"},
    {R"({"clients": [{"admin": "a1", "steps": [{"at": "1s", "list_topics": true, "delete_topic": "orders"}]}]})",
     "t.json: /clients/0/steps/0/list_topics: a step does one thing; make it another step"},
    {R"({"clients": [{"admin": "a1", "steps": [{"at": "1s", "delete_topic": "oders"}]}]})",
     "t.json: /clients/0/steps/0/delete_topic: unknown topic 'oders'; did you mean 'orders'?"},
    {R"({"clients": [{"admin": "a1", "steps": [{"at": "1s", "create_topic": {"name": "x", "replication.factor": 5}}]}]})",
     "t.json: /clients/0/steps/0/create_topic/replication.factor: replication.factor 5 is larger "
     "than the 3 brokers"},
    {R"({"faults": [{"at": "1s"}]})",
     "t.json: /faults/0: names no fault; valid: kill, power_loss, restart, stop, upgrade, wipe, "
     "pause, resume, isolate, cut, heal_link, slow_link, jam, reset, slow_disk, full_disk, "
     "disk_error, "
     "clock_offset, clock_drift"},
    {R"({"faults": [{"kill": "broker 1"}]})",
     "t.json: /faults/0: one of 'at' and 'between' is missing"},
    {R"({"faults": [{"at": "1s", "kil": "broker 1"}]})",
     "t.json: /faults/0/kil: unknown key; did you mean 'kill'?"},
    {R"({"faults": [{"at": "1s", "kill": "broker 1", "pause": "broker 2"}]})",
     "t.json: /faults/0/pause: stands beside 'kill'; make it another fault"},
    {R"({"faults": [{"at": 1, "kill": "broker 1"}]})",
     "t.json: /faults/0/at: found 1, expected a duration such as \"1s\", \"250ms\" or \"10us\" (a "
     "number has no unit)"},
    {R"({"faults": [{"at": "-1s", "kill": "broker 1"}]})",
     "t.json: /faults/0/at: found \"-1s\", expected a duration that is not negative"},
    {R"({"faults": [{"at": "1 s", "kill": "broker 1"}]})",
     "t.json: /faults/0/at: found \"1 s\", expected a duration such as \"1s\", \"250ms\" or "
     "\"10us\""},
    {R"({"faults": [{"at": "12s", "kill": "broker 1"}]})",
     "t.json: /faults/0/at: found \"12s\", expected a time in the faulty phase, which ends at 10s"},
    {R"({"faults": [{"at": "1s", "kill": "broker 4"}]})",
     "t.json: /faults/0/kill: unknown broker '4'; valid: 1 to 3"},
    {R"~({"faults": [{"at": "1s", "kill": "broker(x)"}]})~",
     "t.json: /faults/0/kill: unknown broker 'x'; valid: 1 to 3"},
    {R"~({"faults": [{"at": "1s", "kill": "controller(1)"}]})~",
     "t.json: /faults/0/kill: unknown controller '1'; valid: 100"},
    {R"~({"cluster": {"controllers": 3}, "faults": [{"at": "1s", "kill": "controller(103)"}]})~",
     "t.json: /faults/0/kill: unknown controller '103'; valid: 100 to 102"},
    {R"~({"cluster": {"brokers": 120, "controllers": 3},
         "faults": [{"at": "1s", "kill": "controller(100)"}]})~",
     "t.json: /faults/0/kill: unknown controller '100'; valid: 121 to 123"},
    {R"~({"cluster": {"controllers": 3, "combined": true},
         "faults": [{"at": "1s", "kill": "controller(100)"}]})~",
     "t.json: /faults/0/kill: unknown controller '100'; valid: 1 to 3"},
    {R"~({"faults": [{"at": "1s", "kill": "client(p2)"}]})~",
     "t.json: /faults/0/kill: unknown client 'p2'; did you mean 'p1'?"},
    {R"~({"faults": [{"at": "1s", "kill": "leader(order-0)"}]})~",
     "t.json: /faults/0/kill: unknown topic 'order'; did you mean 'orders'?"},
    {R"~({"faults": [{"at": "1s", "kill": "leader(orders-2)"}]})~",
     "t.json: /faults/0/kill: topic 'orders' has no partition 2; valid: 0 to 1"},
    {R"~({"faults": [{"at": "1s", "kill": "leader(orders)"}]})~",
     "t.json: /faults/0/kill: found 'orders', expected a topic and its partition, such as "
     "'orders-0'"},
    {R"~({"faults": [{"at": "1s", "kill": "leadr(orders-0)"}]})~",
     "t.json: /faults/0/kill: unknown target 'leadr(orders-0)'; did you mean 'leader(orders-0)'?"},
    {R"({"faults": [{"at": "1s", "kill": "leader"}]})",
     "t.json: /faults/0/kill: found 'leader', expected 'leader(orders-0)'"},
    {R"~({"faults": [{"at": "1s", "kill": "crashed(orders-0)"}]})~",
     "t.json: /faults/0/kill: found 'crashed(orders-0)', expected 'crashed'"},
    {R"~({"faults": [{"at": "1s", "kill": "coordinator(biling)"}]})~",
     "t.json: /faults/0/kill: unknown group 'biling'; did you mean 'billing'?"},
    {R"({"faults": [{"at": "1s", "kill": "everything"}]})",
     "t.json: /faults/0/kill: unknown target 'everything'; valid: leader(orders-0), "
     "followers(orders-0), follower(orders-0), replicas(orders-0), isr(orders-0), "
     "out_of_sync(orders-0), controller, controllers, coordinator(billing), crashed, rack(a), any "
     "broker, brokers, clients, broker(2), controller(100), client(p1), or the name of a client"},
    {R"({"faults": [{"at": "1s", "kill": 1}]})",
     "t.json: /faults/0/kill: found 1, expected a string"},
    {R"({"faults": [{"at": "1s", "power_loss": "p1"}]})",
     "t.json: /faults/0/power_loss: a client has no disk"},
    {R"({"faults": [{"at": "1s", "cut": ["broker 1"]}]})",
     "t.json: /faults/0/cut: found 1 target, expected the two ends of a link"},
    {R"~({"faults": [{"at": "1s", "cut": ["broker 1", "broker(1)"]}]})~",
     "t.json: /faults/0/cut/1: a link needs two different ends"},
    {R"({"faults": [{"at": "1s", "cut": {"a": 1}}]})",
     "t.json: /faults/0/cut: found an object, expected a target, or two of them: [\"broker 1\", "
     "\"broker 2\"]"},
    {R"({"faults": [{"at": "1s", "kill": ["broker 1", "broker 2"]}]})",
     "t.json: /faults/0/kill: found an array, expected a string"},
    {R"({"faults": [{"at": "1s", "kill": "broker 1", "from": "broker 2"}]})",
     "t.json: /faults/0/from: does not go with 'kill', only with isolate"},
    {R"({"faults": [{"at": "1s", "kill": "broker 1", "keep": "50%"}]})",
     "t.json: /faults/0/keep: does not go with 'kill', only with power_loss"},
    {R"({"faults": [{"at": "1s", "power_loss": "broker 1", "keep": "101%"}]})",
     "t.json: /faults/0/keep: found \"101%\", expected \"0%\" to \"100%\", \"all\" or \"none\""},
    {R"({"faults": [{"at": "1s", "restart": "crashed", "for": "1s"}]})",
     "t.json: /faults/0/for: does not go with 'restart', only with faults that have an end"},
    {R"({"faults": [{"at": "1s", "slow_link": ["broker 1", "broker 2"]}]})",
     "t.json: /faults/0: 'latency' is missing"},
    {R"({"faults": [{"at": "1s", "slow_disk": "broker 1", "latency": "0s"}]})",
     "t.json: /faults/0/latency: found \"0s\", expected a duration above zero"},
    {R"({"faults": [{"at": "1s", "clock_offset": "broker 1", "by": "0s"}]})",
     "t.json: /faults/0/by: found \"0s\", expected a step that is not zero"},
    {R"({"faults": [{"at": "1s", "clock_drift": "broker 1", "ppm": 1000000}]})",
     "t.json: /faults/0/ppm: found 1000000, expected an integer from -500000 to 500000"},
    {R"({"faults": [{"at": "1s", "cut": ["broker 1", "broker 2"], "direction": "left"}]})",
     "t.json: /faults/0/direction: found \"left\", expected one of both, from, to"},
    {R"({"faults": [{"at": "1s", "kill": "broker 1", "for": "0s"}]})",
     "t.json: /faults/0/for: found \"0s\", expected a duration above zero"},
    {R"({"faults": [{"at": "1s", "kill": "broker 1", "every": "1s"}]})",
     "t.json: /faults/0/every: goes with 'between', not with 'at'"},
    {R"({"faults": [{"at": "1s", "between": ["1s", "2s"], "kill": "broker 1"}]})",
     "t.json: /faults/0/between: stands beside 'at'; one of them is enough"},
    {R"({"faults": [{"between": ["1s", "2s"], "kill": "broker 1"}]})",
     "t.json: /faults/0: 'every' is missing"},
    {R"({"faults": [{"between": ["5s", "2s"], "every": "1s", "kill": "broker 1"}]})",
     "t.json: /faults/0/between/1: found \"2s\", expected a time after \"5s\""},
    {R"({"faults": [{"between": ["5s"], "every": "1s", "kill": "broker 1"}]})",
     "t.json: /faults/0/between: found an array, expected two times: [\"2s\", \"20s\"]"},
    {R"({"faults": [{"at": "9000h", "kill": "broker 1"}]})",
     "t.json: /faults/0/at: found \"9000h\", expected at most 8760h"},
    {R"({"run": {"for": "0s"}})", "t.json: /run/for: found \"0s\", expected a duration above zero"},
    {R"({"run": {"for": 10}})",
     "t.json: /run/for: found 10, expected a duration such as \"1s\", \"250ms\" or \"10us\" (a "
     "number has no unit)"},
    {R"({"run": {"until": "10s"}})", "t.json: /run/until: unknown key; valid: for, heal"},
    {R"({"world": {"network": {"min": "1ms", "mean": "500us"}}})",
     "t.json: /world/network/mean: the mean 500us is below the minimum 1ms"},
    {R"({"world": {"disk": {"fsync": {}}}})",
     "t.json: /world/disk/fsync: unknown key; did you mean 'sync'?"},
    {R"({"world": {"network": {"bandwidth": "fast"}}})",
     "t.json: /world/network/bandwidth: found \"fast\", expected bytes, such as 10240 or "
     "\"10KiB\""},
    {R"({"expect": {"lost-wrote": "found"}})",
     "t.json: /expect/lost-wrote: unknown property; did you mean 'lost-write'?"},
    {R"({"expect": {"lost-write": "maybe"}})",
     "t.json: /expect/lost-write: found \"maybe\", expected one of found, absent, pass, fail, "
     "allowed, vacuous"},
    {R"({"expect": {"lost-write": "found", "D1": "absent"}})",
     "t.json: /expect/D1: property D1 (lost-write) stands here twice"},
    {R"({"cluster": {"brokers": 1}, "topics": [{"name": "orders", "replication.factor": 2}]})",
     "t.json: /topics/0/replication.factor: replication.factor 2 is larger than the 1 broker"},
    {R"({"clients": 5})", "t.json: /clients: found 5, expected an array"},
    {R"({"clients": [5]})", "t.json: /clients/0: found 5, expected an object"},
    {R"({"faults": ["kill"]})", "t.json: /faults/0: found \"kill\", expected an object"},
    {R"({"faults": [{"at": "9000h", "kill": "broker 1"}]})",
     "t.json: /faults/0/at: found \"9000h\", expected at most 8760h"},
    {R"({"without_effect": [1]})", "t.json: /without_effect/0: found 1, expected a string"},
    {R"({"clients": [{"consumer": "c1", "topics": ["orders"], "groop": "g"}]})",
     "t.json: /clients/0/groop: unknown key; did you mean 'group'?"},
    {R"({"clients": [{"admin": "a1", "steps": [{"at": "1s", "list_topics": false}]}]})",
     "t.json: /clients/0/steps/0/list_topics: found false, expected true"},
    {R"({"clients": [{"admin": "a1"}]})", "t.json: /clients/0: 'steps' is missing"},
};

TEST(ParseErrors, say_place_found_and_expected) {
    EXPECT_EQ(error_of(std::string(kBase)), "no error");
    for (const BadPatch& row : kBadPatches) {
        Json document = Json::parse(kBase);
        document.merge_patch(Json::parse(row.patch));
        EXPECT_EQ(error_of(document.dump()), row.message) << row.patch;
    }
    // The words of this one grow with every bug that is planted.
    Json document = Json::parse(kBase);
    document["cluster"]["config"]["tribunal.planted.bug"] = "gremlin";
    const std::string error = error_of(document.dump());
    EXPECT_TRUE(error.starts_with(
        "t.json: /cluster/config/tribunal.planted.bug: Invalid value gremlin for configuration "
        "tribunal.planted.bug: String must be one of: none, ack_before_isr, "))
        << error;
}

TEST(ParseErrors, name_the_file_that_cannot_be_read) {
    const auto load = [](const std::string& path) -> std::string {
        try {
            load_scenario(path);
        } catch (const ScenarioError& error) {
            return error.what();
        }
        return "no error";
    };
    EXPECT_EQ(load("nosuch.json"), "nosuch.json: cannot be read: No such file or directory");
    EXPECT_EQ(load("/"), "/: cannot be read: Is a directory");
    EXPECT_EQ(load("/dev/null"), "/dev/null: is empty");
}

TEST(ParseErrors, name_the_line_of_a_properties_file) {
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / "tribunal_parse_errors_test";
    std::filesystem::create_directories(folder);
    const auto error_with = [&](const std::string& bytes) {
        std::ofstream(folder / "producer.properties", std::ios::binary) << bytes;
        return error_of(R"({ "name": "x", "topics": [ { "name": "o" } ], "clients": [
            { "producer": "p1", "topic": "o", "config": "producer.properties" } ] })",
                        folder.string());
    };
    EXPECT_EQ(error_with("# mine\nacks=all\n"), "no error");
    EXPECT_EQ(error_with("# mine\nacsk=all\n"),
              "t.json: /clients/0/config: producer.properties:2: acsk: unknown producer setting; "
              "did you mean 'acks'?");
    EXPECT_EQ(error_with("acks=all\nlinger.ms = -1\n"),
              "t.json: /clients/0/config: producer.properties:2: Invalid value -1 for "
              "configuration linger.ms: Value must be at least 0");
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tribunal
