// Package clustertest runs a cluster of NATS servers, hubs and PostgreSQL as programs of their own, with agents under load,
// and kills and stops each part in turn. It has tests only.
package clustertest
