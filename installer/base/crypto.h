/*
 * crypto - OpenSSL with no more in it than is used here.
 *
 * OpenSSL 3.0 looks through all that its provider offers when it first wants
 * something of a kind, and through all decoders for each key and certificate.
 * A command of one call, such as the plugin's, would spend half of its time
 * with ciphers that no TLS suite of ours has.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

/* Before anything else of OpenSSL is used; more often does no harm. The host's
 * openssl.cnf does not count. What is unknown from then on is what neither TLS
 * by OpenSSL's own choice of suites nor a key or a certificate of RSA, EC,
 * Ed25519 or Ed448 needs: Camellia, ARIA, SM2 to SM4, BLAKE2, DSA and the like.
 * Source: OpenSSL, provider(7), EVP_CIPHER_fetch(3). */
void crypto_init(void);

#endif
