// Settings of security, all without effect here: nobody is refused in a simulated cluster. A real
// file of settings is full of them and must load.
#include <array>

#include "scenarios/config_bindings.h"

namespace tribunal {
namespace {

using enum SettingType;

// Of servers and clients.
constexpr std::array<Setting, 64> kSecurity = {{
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
    // Since 4.1.
    {"sasl.oauthbearer.jwt.retriever.class", class_name},
    {"sasl.oauthbearer.jwt.validator.class", class_name},
    {"sasl.oauthbearer.scope", string},
    {"sasl.oauthbearer.client.credentials.client.id", string},
    {"sasl.oauthbearer.client.credentials.client.secret", password},
    {"sasl.oauthbearer.assertion.algorithm", string},
    {"sasl.oauthbearer.assertion.claim.aud", string},
    {"sasl.oauthbearer.assertion.claim.exp.seconds", int32},
    {"sasl.oauthbearer.assertion.claim.iss", string},
    {"sasl.oauthbearer.assertion.claim.jti.include", boolean},
    {"sasl.oauthbearer.assertion.claim.nbf.seconds", int32},
    {"sasl.oauthbearer.assertion.claim.sub", string},
    {"sasl.oauthbearer.assertion.file", string},
    {"sasl.oauthbearer.assertion.private.key.file", string},
    {"sasl.oauthbearer.assertion.private.key.passphrase", password},
    {"sasl.oauthbearer.assertion.template.file", string},
}};

// Of servers only.
constexpr std::array<Setting, 39> kServerSecurity = {{
    // Security.
    {"connections.max.reauth.ms", int64},
    {"sasl.server.max.receive.size", int32},
    {"security.providers", string},
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
    {"password.encoder.secret", password},
    {"password.encoder.old.secret", password},
    {"password.encoder.keyfactory.algorithm", string},
    {"password.encoder.cipher.algorithm", string},
    {"password.encoder.key.length", int32, {8, INT64_MAX}},
    {"password.encoder.iterations", int32, {1024, INT64_MAX}},
    // ZooKeeper, until 3.9.
    {"zookeeper.connect", string},
    {"zookeeper.session.timeout.ms", int32},
    {"zookeeper.connection.timeout.ms", int32},
    {"zookeeper.set.acl", boolean},
    {"zookeeper.max.in.flight.requests", int32, kAtLeast1},
    {"zookeeper.ssl.client.enable", boolean},
    {"zookeeper.clientCnxnSocket", string},
    {"zookeeper.ssl.keystore.location", string},
    {"zookeeper.ssl.keystore.password", password},
    {"zookeeper.ssl.keystore.type", string},
    {"zookeeper.ssl.truststore.location", string},
    {"zookeeper.ssl.truststore.password", password},
    {"zookeeper.ssl.truststore.type", string},
    {"zookeeper.ssl.protocol", string},
    {"zookeeper.ssl.enabled.protocols", list},
    {"zookeeper.ssl.cipher.suites", list},
    {"zookeeper.ssl.endpoint.identification.algorithm", string},
    {"zookeeper.ssl.crl.enable", boolean},
    {"zookeeper.ssl.ocsp.enable", boolean},
    // Of the authorizer.
    {"super.users", string},
    {"allow.everyone.if.no.acl.found", boolean},
}};

}  // namespace

std::span<const Setting> security_settings() { return kSecurity; }
std::span<const Setting> server_security_settings() { return kServerSecurity; }

}  // namespace tribunal
