// The text of schema.json, byte for byte; a test compares the two. `tribunal list schema` prints
// it.
#include "scenarios/scenario.h"

namespace tribunal {

// clang-format off
std::string_view scenario_schema() {
    return R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "A scenario of Tribunal",
  "description": "A simulated Kafka cluster with clients, what is done to it, and what is expected of it. Names with dots are Kafka's own.",
  "type": "object",
  "required": ["name"],
  "additionalProperties": false,
  "properties": {
    "$schema": { "type": "string" },
    "name": { "type": "string", "minLength": 1, "description": "What the scenario shows, as a claim." },
    "description": { "type": "string", "minLength": 1 },
    "kafka": {
      "description": "The edition: rules and defaults of that version of Kafka. 4.1 when missing.",
      "enum": ["0.10", "0.11", "1.0", "1.1", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8",
               "3.0", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "4.0", "4.1"]
    },
    "seed": { "type": "integer", "description": "From 0 to 18446744073709551615. 1 when missing." },
    "cluster": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "brokers": { "type": "integer", "minimum": 1, "maximum": 900, "default": 3, "description": "Brokers are numbered from 1." },
        "controllers": { "enum": [1, 3, 5], "default": 1, "description": "The voters of the KRaft quorum, numbered from 100, or behind more than 99 brokers." },
        "combined": { "type": "boolean", "default": false, "description": "process.roles=broker,controller: the first brokers are the controllers." },
        "racks": { "type": "array", "items": { "type": "string", "minLength": 1 }, "description": "broker.rack of each broker, in their order." },
        "config": { "$ref": "#/definitions/config" }
      }
    },
    "topics": { "type": "array", "items": { "$ref": "#/definitions/topic" } },
    "clients": {
      "type": "array",
      "description": "Clients are numbered from 1001, in this order.",
      "items": {
        "oneOf": [
          { "$ref": "#/definitions/producer" },
          { "$ref": "#/definitions/consumer" },
          { "$ref": "#/definitions/admin" }
        ]
      }
    },
    "faults": { "type": "array", "items": { "$ref": "#/definitions/fault" } },
    "world": {
      "type": "object",
      "description": "What links, disks and processes are like when nothing is broken.",
      "additionalProperties": false,
      "properties": {
        "network": {
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "min": { "$ref": "#/definitions/duration" },
            "mean": { "$ref": "#/definitions/duration" },
            "bandwidth": { "$ref": "#/definitions/size", "description": "Bytes a second of each link; 0 is without limit." }
          }
        },
        "disk": {
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "write": { "$ref": "#/definitions/latency" },
            "sync": { "$ref": "#/definitions/latency" },
            "writeback": { "$ref": "#/definitions/duration", "description": "Older unsynced writes are on the platter." }
          }
        },
        "restart": { "$ref": "#/definitions/duration", "description": "From the start of a process to its first step." }
      }
    },
    "run": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "for": { "$ref": "#/definitions/duration", "description": "The phase with faults. 10s when missing." },
        "heal": { "$ref": "#/definitions/duration", "description": "At most this long until everything has converged. 60s when missing." }
      }
    },
    "check": {
      "type": "object",
      "description": "The scenario as a small world (one partition and one producer, or the voters of the quorum), in which 'tribunal check' looks at every order of events within these bounds.",
      "additionalProperties": false,
      "properties": {
        "crashes": { "$ref": "#/definitions/bound", "description": "Brokers that are killed and keep their page cache." },
        "power_losses": { "$ref": "#/definitions/bound", "description": "Brokers that lose any part of what was not synced." },
        "losses": { "$ref": "#/definitions/bound", "description": "Connections that break with something in flight." },
        "timers": { "$ref": "#/definitions/bound", "description": "Time-outs that mean that something took too long." },
        "epochs": { "$ref": "#/definitions/bound", "description": "The highest leader epoch that is looked beyond; 0: any. Of a quorum: the highest that an election may lead to." },
        "elections": { "$ref": "#/definitions/bound", "description": "Times that the controller makes the preferred replica leader again." },
        "world": { "enum": ["partition", "quorum"], "description": "Which small world. partition when missing." },
        "voters": { "type": "integer", "minimum": 1, "maximum": 5, "description": "Of a quorum; 3 when missing." },
        "observers": { "type": "integer", "minimum": 0, "maximum": 1, "description": "Of a quorum: controllers that may become voters." },
        "appends": { "type": "integer", "minimum": 0, "maximum": 8, "description": "Of a quorum: records that active controllers append; 1 when missing." },
        "voter_changes": { "$ref": "#/definitions/bound", "description": "Of a quorum: requests that a voter be added or removed." },
        "snapshots": { "$ref": "#/definitions/bound", "description": "Of a quorum: snapshots that nodes take of what they know is committed." },
        "schedule": {
          "type": "array",
          "description": "Steps by name, which 'tribunal run' plays one after the other.",
          "items": { "type": "string", "minLength": 1 }
        }
      }
    },
    "expect": {
      "type": "object",
      "description": "Outcome by property, by id or name.",
      "additionalProperties": { "enum": ["found", "absent", "pass", "fail", "allowed", "vacuous"] }
    },
    "without_effect": {
      "type": "array",
      "description": "In printed scenarios: settings of the files it was made of that change nothing here.",
      "items": { "type": "string", "minLength": 1 }
    }
  },
  "definitions": {
    "bound": { "type": "integer", "minimum": 0, "maximum": 100 },
    "duration": {
      "type": "string",
      "pattern": "^[0-9]+([.][0-9]{1,9})?(h|m|s|ms|us|ns)$",
      "description": "1s, 250ms, 10us, 2m, 1h, 1.5s"
    },
    "size": {
      "anyOf": [
        { "type": "integer", "minimum": 0 },
        { "type": "string", "pattern": "^[0-9]+([.][0-9]{1,9})?(B|KiB|MiB|GiB)$|^[0-9]+$" }
      ],
      "description": "Bytes: 10240 or 10KiB"
    },
    "latency": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "min": { "$ref": "#/definitions/duration" },
        "mean": { "$ref": "#/definitions/duration" }
      }
    },
    "settings": {
      "type": "object",
      "description": "Settings by Kafka's names.",
      "additionalProperties": { "type": ["string", "number", "boolean"] }
    },
    "config": {
      "description": "Settings, the name of a .properties file, or both in a row, where later ones win.",
      "anyOf": [
        { "$ref": "#/definitions/settings" },
        { "type": "string", "minLength": 1 },
        {
          "type": "array",
          "items": { "anyOf": [{ "$ref": "#/definitions/settings" }, { "type": "string", "minLength": 1 }] }
        }
      ]
    },
    "topic": {
      "type": "object",
      "required": ["name"],
      "additionalProperties": false,
      "properties": {
        "name": { "type": "string", "pattern": "^[a-zA-Z0-9._-]{1,249}$" },
        "partitions": { "type": "integer", "minimum": 1, "maximum": 10000, "description": "num.partitions of the cluster when missing." },
        "replication.factor": {
          "type": "integer", "minimum": 1, "maximum": 32767,
          "description": "default.replication.factor of the cluster when missing, else 3, or all brokers when there are fewer."
        },
        "config": { "$ref": "#/definitions/config" },
        "assignment": {
          "type": "array",
          "description": "Brokers by partition; the first is the preferred leader.",
          "minItems": 1,
          "items": { "$ref": "#/definitions/replicas" }
        }
      }
    },
    "client_name": { "type": "string", "pattern": "^[a-zA-Z0-9._-]+$" },
    "producer": {
      "type": "object",
      "required": ["producer", "topic"],
      "additionalProperties": false,
      "properties": {
        "producer": { "$ref": "#/definitions/client_name" },
        "topic": { "type": "string", "minLength": 1 },
        "config": { "$ref": "#/definitions/config" },
        "load": {
          "description": "Generated records, records given here, or the name of a file of lines.",
          "anyOf": [{ "type": "string", "minLength": 1 }, { "$ref": "#/definitions/load" }]
        },
        "key.serializer": { "type": "string", "minLength": 1 },
        "value.serializer": { "type": "string", "minLength": 1 }
      }
    },
    "load": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "records": { "type": "integer", "minimum": 0, "description": "0: as long as faults go on." },
        "rate": { "type": "string", "pattern": "^[1-9][0-9]*/(h|m|s|ms|us|ns)$", "description": "100/s, 10/m" },
        "interval": { "$ref": "#/definitions/duration", "description": "Instead of a rate." },
        "value.size": { "$ref": "#/definitions/size" },
        "keys": { "type": "integer", "minimum": 0, "description": "How many different keys; 0: records have none." },
        "partition": { "type": "integer", "minimum": 0, "description": "Instead of a partitioner." },
        "start": { "$ref": "#/definitions/duration" },
        "sync": { "type": "boolean", "description": "Each record waits for the acknowledgement of the one before." },
        "lines": { "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/line" } },
        "file": { "type": "string", "minLength": 1, "description": "A file of lines, as kafka-console-producer reads it." },
        "parse.key": { "type": ["boolean", "string"] },
        "key.separator": { "type": "string" },
        "parse.headers": { "type": ["boolean", "string"] },
        "headers.delimiter": { "type": "string" },
        "headers.separator": { "type": "string" },
        "headers.key.separator": { "type": "string" },
        "null.marker": { "type": "string" },
        "ignore.error": { "type": ["boolean", "string"] }
      }
    },
    "base64": {
      "type": "object",
      "required": ["base64"],
      "additionalProperties": false,
      "properties": { "base64": { "type": "string" } }
    },
    "bytes": { "anyOf": [{ "type": ["string", "null"] }, { "$ref": "#/definitions/base64" }] },
    "line": {
      "anyOf": [
        { "$ref": "#/definitions/bytes" },
        {
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "key": { "$ref": "#/definitions/bytes" },
            "value": { "$ref": "#/definitions/bytes" },
            "headers": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["key"],
                "additionalProperties": false,
                "properties": {
                  "key": { "anyOf": [{ "type": "string" }, { "$ref": "#/definitions/base64" }] },
                  "value": { "$ref": "#/definitions/bytes" }
                }
              }
            }
          }
        }
      ]
    },
    "consumer": {
      "type": "object",
      "required": ["consumer"],
      "oneOf": [{ "required": ["topics"] }, { "required": ["assignment"] }],
      "additionalProperties": false,
      "properties": {
        "consumer": { "$ref": "#/definitions/client_name" },
        "group": { "type": "string", "minLength": 1, "description": "For committed offsets; without it nothing is committed." },
        "topics": { "type": "array", "minItems": 1, "items": { "type": "string", "minLength": 1 } },
        "assignment": { "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/partition" } },
        "config": { "$ref": "#/definitions/config" },
        "from_beginning": { "type": "boolean" },
        "seek": {
          "type": "array",
          "items": {
            "type": "object",
            "required": ["at", "partition", "offset"],
            "additionalProperties": false,
            "properties": {
              "at": { "$ref": "#/definitions/duration" },
              "partition": { "$ref": "#/definitions/partition" },
              "offset": { "anyOf": [{ "type": "integer", "minimum": 0 }, { "enum": ["beginning", "end"] }] }
            }
          }
        },
        "start": { "$ref": "#/definitions/duration" },
        "key.deserializer": { "type": "string", "minLength": 1 },
        "value.deserializer": { "type": "string", "minLength": 1 }
      }
    },
    "partition": { "type": "string", "pattern": "^.+-[0-9]+$", "description": "orders-0" },
    "admin": {
      "type": "object",
      "required": ["admin", "steps"],
      "additionalProperties": false,
      "properties": {
        "admin": { "$ref": "#/definitions/client_name" },
        "steps": {
          "type": "array",
          "items": {
            "type": "object",
            "required": ["at"],
            "minProperties": 2,
            "maxProperties": 2,
            "additionalProperties": false,
            "properties": {
              "at": { "$ref": "#/definitions/duration" },
              "create_topic": { "$ref": "#/definitions/topic" },
              "delete_topic": { "type": "string", "minLength": 1 },
              "list_topics": { "const": true },
              "describe_topic": { "type": "string", "minLength": 1 },
              "create_partitions": {
                "type": "object",
                "required": ["topic", "partitions"],
                "additionalProperties": false,
                "properties": {
                  "topic": { "type": "string", "minLength": 1 },
                  "partitions": { "type": "integer", "minimum": 1, "maximum": 10000, "description": "Old and new ones together." },
                  "assignment": { "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/replicas" }, "description": "Of the new ones." }
                }
              },
              "alter_partition_reassignments": {
                "type": "object",
                "description": "Replicas by partition, the first is the preferred leader; null cancels what is under way.",
                "minProperties": 1,
                "additionalProperties": false,
                "properties": { "allow_replication_factor_change": { "type": "boolean", "default": true } },
                "patternProperties": {
                  "^.+-[0-9]+$": { "anyOf": [{ "type": "null" }, { "$ref": "#/definitions/replicas" }] }
                }
              },
              "list_partition_reassignments": { "const": true },
              "elect_leaders": {
                "type": "object",
                "required": ["election_type"],
                "additionalProperties": false,
                "properties": {
                  "election_type": { "enum": ["preferred", "unclean"] },
                  "partitions": { "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/partition" }, "description": "All when missing." }
                }
              },
              "alter_configs": {
                "type": "object",
                "required": ["topic"],
                "additionalProperties": false,
                "properties": {
                  "topic": { "type": "string", "minLength": 1 },
                  "add_config": { "$ref": "#/definitions/config" },
                  "delete_config": { "type": "array", "minItems": 1, "items": { "type": "string", "minLength": 1 }, "description": "Back to what the cluster's settings say." }
                }
              },
              "update_features": {
                "type": "object",
                "description": "Levels by feature; metadata.version by name or number.",
                "minProperties": 1,
                "additionalProperties": false,
                "properties": {
                  "metadata.version": { "type": ["string", "integer"] },
                  "kraft.version": { "type": "integer", "minimum": 0 },
                  "transaction.version": { "type": "integer", "minimum": 0 },
                  "group.version": { "type": "integer", "minimum": 0 },
                  "eligible.leader.replicas.version": { "type": "integer", "minimum": 0 },
                  "upgrade_type": { "enum": ["upgrade", "safe_downgrade", "unsafe_downgrade"], "default": "upgrade" },
                  "validate_only": { "type": "boolean", "default": false }
                }
              },
              "unregister_broker": { "type": "integer", "minimum": 1, "maximum": 99 },
              "delete_records": {
                "type": "object",
                "description": "The first offset to keep by partition; -1 is the high watermark.",
                "minProperties": 1,
                "additionalProperties": false,
                "patternProperties": { "^.+-[0-9]+$": { "type": "integer", "minimum": -1 } }
              },
              "add_raft_voter": { "$ref": "#/definitions/voter" },
              "remove_raft_voter": { "$ref": "#/definitions/voter" }
            }
          }
        }
      }
    },
    "replicas": { "type": "array", "minItems": 1, "uniqueItems": true, "items": { "type": "integer", "minimum": 1, "maximum": 99 } },
    "voter": {
      "description": "A controller; a wiped one has directory 2, and so on.",
      "anyOf": [
        { "type": "integer", "minimum": 1 },
        {
          "type": "object",
          "required": ["controller_id"],
          "additionalProperties": false,
          "properties": {
            "controller_id": { "type": "integer", "minimum": 1 },
            "controller_directory_id": { "type": "integer", "minimum": 1, "maximum": 999, "default": 1 }
          }
        }
      ]
    },
    "target": {
      "type": "string",
      "minLength": 1,
      "description": "leader(orders-0), followers(..), follower(..), replicas(..), isr(..), out_of_sync(..), controller, controllers, coordinator(group), crashed, rack(a), any broker, brokers, clients, broker(2), controller(100), client(p1), p1"
    },
    "link": {
      "anyOf": [
        { "$ref": "#/definitions/target" },
        { "type": "array", "minItems": 2, "maxItems": 2, "items": { "$ref": "#/definitions/target" } }
      ]
    },
    "fault": {
      "type": "object",
      "description": "One kind of fault with its target, at a time or drawn between two times.",
      "additionalProperties": false,
      "oneOf": [{ "required": ["at"] }, { "required": ["between", "every"] }],
      "properties": {
        "at": { "$ref": "#/definitions/duration" },
        "between": { "type": "array", "minItems": 2, "maxItems": 2, "items": { "$ref": "#/definitions/duration" } },
        "every": { "$ref": "#/definitions/duration", "description": "The mean gap between two of them." },
        "for": { "$ref": "#/definitions/duration", "description": "After this the opposite happens." },
        "kill": { "$ref": "#/definitions/target", "description": "The process dies; the page cache survives." },
        "power_loss": { "$ref": "#/definitions/target", "description": "The machine dies with what was not synced." },
        "restart": { "$ref": "#/definitions/target" },
        "stop": { "$ref": "#/definitions/target", "description": "Asks the process to end in good order (SIGTERM)." },
        "upgrade": { "$ref": "#/definitions/target", "description": "The same, then the node starts with the rules and defaults of 'to'." },
        "to": { "$ref": "#/properties/kafka", "description": "The edition, of upgrade." },
        "wipe": { "$ref": "#/definitions/target", "description": "The machine comes back with an empty disk." },
        "pause": { "$ref": "#/definitions/target" },
        "resume": { "$ref": "#/definitions/target" },
        "isolate": { "$ref": "#/definitions/target", "description": "Cuts the target off from everybody, or from 'from'." },
        "cut": { "$ref": "#/definitions/link" },
        "heal_link": { "$ref": "#/definitions/link" },
        "slow_link": { "$ref": "#/definitions/link" },
        "jam": { "$ref": "#/definitions/link", "description": "Holds everything, then lets it go at once." },
        "reset": { "$ref": "#/definitions/link", "description": "Breaks the open connections." },
        "slow_disk": { "$ref": "#/definitions/target" },
        "full_disk": { "$ref": "#/definitions/target" },
        "disk_error": { "$ref": "#/definitions/target" },
        "clock_offset": { "$ref": "#/definitions/target" },
        "clock_drift": { "$ref": "#/definitions/target" },
        "from": { "$ref": "#/definitions/target" },
        "direction": { "enum": ["both", "from", "to"], "description": "Of a link: from the first end, or to it." },
        "latency": { "$ref": "#/definitions/duration", "description": "Of slow_link and slow_disk." },
        "by": { "type": "string", "pattern": "^-?[0-9]+([.][0-9]{1,9})?(h|m|s|ms|us|ns)$", "description": "Of clock_offset." },
        "ppm": { "type": "integer", "minimum": -500000, "maximum": 500000, "description": "Of clock_drift." },
        "keep": { "type": "string", "pattern": "^([0-9]{1,3}%|all|none)$", "description": "Of power_loss: how much of the unsynced writes survives." },
        "torn": { "type": "boolean", "description": "Of power_loss: the first lost write is cut in half." }
      }
    }
  }
}
)json";
}
// clang-format on

}  // namespace tribunal
