// Settings of security, all without effect here: nobody is refused in a simulated cluster. A real
// file of settings is full of them and must load.
#include <array>

#include "scenarios/config_bindings.h"

namespace tribunal {
namespace {

using enum SettingType;

// Of servers and clients.
constexpr std::array kSecurity = std::to_array<Setting>({
    {"ssl.protocol", string},
    {"ssl.provider", string},
    {"ssl.cipher.suites", list},
    {"ssl.enabled.protocols", list},
    {"ssl.keystore.type", string},
    {"ssl.keystore.location", string},
    {"ssl.keystore.password", password},
    {"ssl.key.password", password},
    {"ssl.keystore.key", password},
    {"ssl.keystore.certificate.chain", password},
    {"ssl.truststore.certificates", password},
    {"ssl.truststore.type", string},
    {"ssl.truststore.location", string},
    {"ssl.truststore.password", password},
    {"ssl.keymanager.algorithm", string},
    {"ssl.trustmanager.algorithm", string},
    {"ssl.endpoint.identification.algorithm", string},
    {"ssl.secure.random.implementation", string},
    {"ssl.engine.factory.class", class_name},
    {"sasl.kerberos.service.name", string},
    {"sasl.kerberos.kinit.cmd", string},
    {"sasl.kerberos.ticket.renew.window.factor", floating},
    {"sasl.kerberos.ticket.renew.jitter", floating},
    {"sasl.kerberos.min.time.before.relogin", int64},
    {"sasl.login.refresh.window.factor", floating},
    {"sasl.login.refresh.window.jitter", floating},
    {"sasl.login.refresh.min.period.seconds", int16, {0, 900}},
    {"sasl.login.refresh.buffer.seconds", int16, {0, 3600}},
    {"sasl.mechanism", string},
    {"sasl.jaas.config", password},
    {"sasl.client.callback.handler.class", class_name},
    {"sasl.login.callback.handler.class", class_name},
    {"sasl.login.class", class_name},
    {"sasl.login.connect.timeout.ms", int32},
    {"sasl.login.read.timeout.ms", int32},
    {"sasl.login.retry.backoff.max.ms", int64},
    {"sasl.login.retry.backoff.ms", int64},
    {"sasl.oauthbearer.scope.claim.name", string},
    {"sasl.oauthbearer.sub.claim.name", string},
    {"sasl.oauthbearer.token.endpoint.url", string},
    {"sasl.oauthbearer.jwks.endpoint.url", string},
    {"sasl.oauthbearer.jwks.endpoint.refresh.ms", int64},
    {"sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", int64},
    {"sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", int64},
    {"sasl.oauthbearer.clock.skew.seconds", int32},
    {"sasl.oauthbearer.expected.audience", list},
    {"sasl.oauthbearer.expected.issuer", string},
    {"sasl.oauthbearer.header.urlencode", boolean},
    since("4.1", {"sasl.oauthbearer.jwt.retriever.class", class_name}),
    since("4.1", {"sasl.oauthbearer.jwt.validator.class", class_name}),
    since("4.1", {"sasl.oauthbearer.scope", string}),
    since("4.1", {"sasl.oauthbearer.client.credentials.client.id", string}),
    since("4.1", {"sasl.oauthbearer.client.credentials.client.secret", password}),
    since("4.1", {"sasl.oauthbearer.assertion.algorithm", string}),
    since("4.1", {"sasl.oauthbearer.assertion.claim.aud", string}),
    since("4.1", {"sasl.oauthbearer.assertion.claim.exp.seconds", int32}),
    since("4.1", {"sasl.oauthbearer.assertion.claim.iss", string}),
    since("4.1", {"sasl.oauthbearer.assertion.claim.jti.include", boolean}),
    since("4.1", {"sasl.oauthbearer.assertion.claim.nbf.seconds", int32}),
    since("4.1", {"sasl.oauthbearer.assertion.claim.sub", string}),
    since("4.1", {"sasl.oauthbearer.assertion.file", string}),
    since("4.1", {"sasl.oauthbearer.assertion.private.key.file", string}),
    since("4.1", {"sasl.oauthbearer.assertion.private.key.passphrase", password}),
    since("4.1", {"sasl.oauthbearer.assertion.template.file", string}),
});

constexpr Binding kZooKeeperSession = {[](Settings& s, const SettingValue& value) {
                                           s.zookeeper_session_timeout =
                                               milliseconds_of(value.number);
                                       },
                                       nullptr};

// Of servers only.
constexpr std::array kServerSecurity = std::to_array<Setting>({
    // Security.
    since("2.2", {"connections.max.reauth.ms", int64}),
    {"sasl.server.max.receive.size", int32},
    since("2.4", {"security.providers", string}),
    {"principal.builder.class", class_name},
    {"ssl.client.auth", string},
    {"ssl.principal.mapping.rules", string},
    {"ssl.allow.dn.changes", boolean},
    {"ssl.allow.san.changes", boolean},
    {"sasl.mechanism.inter.broker.protocol", string},
    {"sasl.enabled.mechanisms", list},
    {"sasl.server.callback.handler.class", class_name},
    {"sasl.kerberos.principal.to.local.rules", list},
    // Encoded passwords, until 3.9.
    until("4.0", since("1.1", {"password.encoder.secret", password})),
    until("4.0", since("1.1", {"password.encoder.old.secret", password})),
    until("4.0", since("1.1", {"password.encoder.keyfactory.algorithm", string})),
    until("4.0", since("1.1", {"password.encoder.cipher.algorithm", string})),
    until("4.0", since("1.1", {"password.encoder.key.length", int32, {8, INT64_MAX}})),
    until("4.0", since("1.1", {"password.encoder.iterations", int32, {1024, INT64_MAX}})),
    // ZooKeeper, until 3.9.
    until("4.0", {"zookeeper.connect", string}),
    // The session of a broker, before KRaft's.
    acts_until(
        "3.0",
        until("4.0", {"zookeeper.session.timeout.ms", int32, kAtLeast1, {}, kZooKeeperSession})),
    until("3.2", {"zookeeper.sync.time.ms", int32}),
    until("4.0", {"zookeeper.connection.timeout.ms", int32}),
    until("4.0", {"zookeeper.set.acl", boolean}),
    until("4.0", since("1.1", {"zookeeper.max.in.flight.requests", int32, kAtLeast1})),
    until("4.0", since("2.5", {"zookeeper.ssl.client.enable", boolean})),
    until("4.0", {"zookeeper.clientCnxnSocket", string}),
    until("4.0", since("2.5", {"zookeeper.ssl.keystore.location", string})),
    until("4.0", since("2.5", {"zookeeper.ssl.keystore.password", password})),
    until("4.0", since("2.5", {"zookeeper.ssl.keystore.type", string})),
    until("4.0", since("2.5", {"zookeeper.ssl.truststore.location", string})),
    until("4.0", since("2.5", {"zookeeper.ssl.truststore.password", password})),
    until("4.0", since("2.5", {"zookeeper.ssl.truststore.type", string})),
    until("4.0", since("2.5", {"zookeeper.ssl.protocol", string})),
    until("4.0", since("2.5", {"zookeeper.ssl.enabled.protocols", list})),
    until("4.0", since("2.5", {"zookeeper.ssl.cipher.suites", list})),
    until("4.0", since("2.5", {"zookeeper.ssl.endpoint.identification.algorithm", string})),
    until("4.0", since("2.5", {"zookeeper.ssl.crl.enable", boolean})),
    until("4.0", since("2.5", {"zookeeper.ssl.ocsp.enable", boolean})),
    // Of the authorizer.
    {"super.users", string},
    {"allow.everyone.if.no.acl.found", boolean},
});

}  // namespace

std::span<const Setting> security_settings() { return kSecurity; }
std::span<const Setting> server_security_settings() { return kServerSecurity; }

}  // namespace tribunal
