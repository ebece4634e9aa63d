package steps

import (
	"strings"

	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/postgres"
)

// CheckDoc is what can be read about a check before it fails: its id, what it
// looks at, and what to do when it fails.
type CheckDoc struct{ ID, Title, Meaning, Do string }

// CheckDocs returns every check that a flow can run, and the rules that
// --accept knows, in the order they run.
func CheckDocs() []CheckDoc {
	return append([]CheckDoc{
		{"cluster.reachable", "The cluster answers",
			"Asks the API server for its version. A configured cluster that does not answer is never silently treated as if there were none.",
			"Check the context, the network and that your credentials have not run out. To write files only, run with --offline."},
		{"cluster.namespace", "The namespace is there",
			"The Secret can only be written to a namespace that exists. With --delivery manifest it is a warning, since the namespace can still be made.",
			"Make it with kubectl create namespace, or name another one with --namespace."},
		{"cluster.rights", "Rights in the cluster",
			"Asks the API server, before the first question, whether you may do what a run can need: exactly these verbs, names and namespaces. What is missing is told with what it prevents. What helm itself needs is not looked at.",
			"`backstage-setup rbac` prints the smallest Role for a run. Without it, the parts that are named stay unknown or are left to you."},
		{"run.interrupted", "No run was interrupted",
			"An earlier run that was killed, lost its connection or could not be undone has left what undoing takes: in a Secret named after the portal's with -previous behind it, or in the state directory where no cluster is written.",
			"Go on: the same answers finish it. Or put everything back with `backstage-setup undo`."},
		{"portal.installed", "There is a portal",
			"A change of the database alone needs a portal to change: a release, a Deployment, or values files that set one up.",
			"Set one up with `backstage-setup install`, which asks for the database too. Or name the right --context, --namespace, --release or -f."},
		{"rotate.key", "The Secret has the key",
			"A rotation gives a key that is there another value. One that is not there is most often misspelled.",
			"Name one of the keys that the check lists. --accept rotate.key adds the key."},
		{"undo.values", "The old values are still good",
			"Before a credential is put back, the server behind it is asked whether it still takes the old value: the identity provider for client secrets, PostgreSQL for its password. Somebody may have deleted it there since.",
			"Finish the run instead: rotate again with the new value. Or set the old value at the provider again. --accept undo.values puts it back all the same."},
		{"rotate.value", "The new value is another one",
			"Fails where the Secret has this very value already and the pods were started with it: the old value was given again, or an earlier run has done it all. Warns of a value that is short.",
			"Give the new value. In a pipeline that may run twice, --accept rotate.value ends the second run with exit code 0."},
		{"rotate.owner", "This run can write the Secret",
			"Fails where the Secret belongs to somebody else who has to write the new value: nothing is rotated until that is done, and a pipeline must not take it for done.",
			"Run the next commands: they bring the value to the owner and start the pods anew. Where an ExternalSecret makes the Secret, give secret.store.token, and this run writes to the store."},
		{"secret.readable", "The Secret can be read",
			"What the Secret has now decides what is kept and what is new, so it is read before anything is written.",
			"Ask for the rights get, create and patch on this one Secret, or write a manifest with --delivery manifest for somebody who has them."},
		{"secret.owner", "The Secret is free to be written",
			"A Secret that belongs to External Secrets, Sealed Secrets, Argo CD, Flux or a Helm release is written back by its owner. It is never touched; the next commands say what to change there.",
			"Follow the next commands, or deliver the Secret through its owner, such as --delivery external-secrets."},
		{"secret.store", "The store takes the values",
			"Where an ExternalSecret makes the Secret, its values are written to the store: OpenBao or Vault, key-value engine version 2, at its URL or through a port-forward. Reads the entries, asks whether the token may write them, and whether a write could be undone.",
			"Give secret.store.token, and address, mount or caFile where the ExternalSecret's store does not say them. Without a token the next commands say what to write."},
		{"secret.last-applied", "No copy of old secrets",
			"kubectl apply leaves a copy of everything it wrote in the annotation kubectl.kubernetes.io/last-applied-configuration, old passwords included, in plain base64.",
			"--accept secret.last-applied takes the annotation off in the same change."},
		{"secret.placeholders", "No public default secrets",
			"Looks for values that stand in public documentation and charts: anybody can know them.",
			"Give new values. `backstage-setup explain client-secret` says where each comes from."},
		{"gateway.tls", "TLS ends before the cluster",
			"A rule about answers that --accept lifts: an https address with gateway.tls.enabled off is refused, since usually nobody would reach the portal. Once accepted it is in the result as such.",
			"Set gateway.tls.enabled to yes. When a load balancer or proxy in front of the cluster ends TLS, run with --accept gateway.tls."},
		{"security.authentication", "Authentication is on",
			"Off, " + anonymous + ". With the preset production that is a failed check, else a warning.",
			"Set security.authentication to yes. To go on without it, run with --accept security.authentication."},
		{"security.authorization", "Authorization is on",
			"Off, " + everybodyMay + ". With the preset production that is a failed check, else a warning.",
			"Set security.authorization to yes. To go on without it, run with --accept security.authorization."},
		{"cluster.access", "The cluster allows the changes",
			"Every right that the planned changes take, as the API server answered. A change that would be refused half way is not begun.",
			"`backstage-setup rbac` prints the Role to ask for."},
		{"cluster.production", "No production cluster by its name",
			"A context or a server with prod, prd, production or live as a part of its name asks for a word of confirmation before anything is written there.",
			"Confirm on the screen, or run with --accept cluster.production."},
		{"cluster.tls-verify", "The server's certificate is verified",
			"With insecure-skip-tls-verify in the kubeconfig anybody on the way can read the secrets that are written, and pretend to be the cluster.",
			"Put the cluster's certificate authority into the kubeconfig. To write all the same, run with --accept cluster.tls-verify."},
		{"cluster.context", "The cluster of the last run",
			"The kubeconfig's current context is not the one that the last run on this machine wrote to: perhaps somebody switched it meanwhile.",
			"Name the context with --context, or run with --accept cluster.context."},
		{"identity.discovery", "The provider describes itself",
			"Gets the identity provider's discovery document from the issuer, or from identity.discoveryUrl, and fills in what nobody has answered: issuer, endpoints, wellKnownEndpoint. A provider that does not answer fails this one check, and the others of it are skipped; where the portal is installed and nothing about signing in changes it is a warning.",
			"Give the issuer exactly as the provider has it. Where only the cluster can reach the provider, run with --skip identity.discovery=REASON and give the endpoints."},
		{"identity.keys", "The API can read the provider's keys",
			"Gets the key set and reads it as the OpenChoreo API does: RSA keys with a kid.",
			"Give the jwks_uri of the provider's document, or its address inside the cluster, and choose an RSA signing key (RS256) at the provider."},
		{"identity.scopes", "The provider knows the scopes",
			"Compares client.oidcScope and client.serviceScope with the scopes that the provider announces. It need not announce all.",
			"Check the spelling of the scope at the provider."},
		{"identity.service-token", "The provider gives the portal a token",
			"Asks for an access token exactly as the portal does: client_credentials, the secret in the body, a scope only if one is set. Redirects are refused, since they would take the secret to another host. A generated secret, and one that cannot be read, is not tried.",
			"`backstage-setup explain` and the code of the result say what each refusal means, such as `backstage-setup explain service.client`."},
		{"identity.token", "The API accepts that token",
			"Holds the service client's token against the API's rules with the API's own library: signed by a key of the set, issuer letter by letter, audience, times without any leeway, no groups, and the claim that the binding names. --service-token judges a token that is given, with --jwks without the network.",
			"Do what the code of the result says. Where the token's sub is not the client's id, the binding has to name the sub: leave authorization.subject out, or set it to that."},
		{"identity.sign-in-secret", "The sign-in client's secret is right",
			"Exchanges a code that does not exist as the portal would: a provider that looks at the secret first refuses the code only where the secret is right. Without --probe it stays inconclusive where nothing else has proven the secret.",
			"Copy client id and secret from the provider again. --probe compares with a wrong secret, which leaves a failed attempt in the provider's log."},
		{"identity.redirect", "The portal's address is registered",
			"Asks the authorization endpoint for a silent sign-in (prompt=none) with the portal's callback: a provider that knows the address sends an error to it, all others show a page.",
			"Register exactly the callback that the review shows: scheme, host, port and path. --probe compares with an address that is not registered."},
		{"identity.claims", "People's tokens say who they are",
			"Groups, email and names of people are in their own tokens only, so this stays inconclusive until one is given.",
			"Give a person's access token with --user-token env:NAME, or with `paste` in the review. It is judged here, sent nowhere and kept nowhere."},
		{"database.postgresql.reach", "PostgreSQL answers",
			"Connects to the host and port as the portal's pods will, to a Service of the cluster through a port-forward. Host names that mean something else in a pod, such as localhost, are refused. A server that is not reached fails this one check, and the others of it are skipped; where the portal uses the database already and nothing about it changes it is a warning.",
			"Do what the code of the result says. Where only the cluster can reach the server, run with --skip database.postgresql.reach=REASON."},
		{"database.postgresql.tls", "The portal can trust the connection",
			"Verifies the server's certificate as Node.js does in the pod: against its own list of authorities or database.postgresql.caFile alone, by the host name. The trust store of this machine does not count.",
			"Give the authority's certificate with database.postgresql.caFile, after comparing the fingerprint that is shown, and the host by a name that is in the certificate."},
		{postgresUnverified, "The portal knows whom it talks to",
			"With database.postgresql.verify no, the connection is encrypted and any certificate is accepted (PGSSLMODE=no-verify, the chart's own ssl off). Written only once somebody has agreed to exactly that.",
			"Give the authority's certificate with database.postgresql.caFile, or its fingerprint with database.postgresql.trustCA. To go on all the same, run with --accept " + postgresUnverified + "."},
		{"database.postgresql.login", "The portal can log in",
			"Logs in to the database postgres with user and password, as Backstage does before anything else. Nothing is written there.",
			"Do what the code of the result says, such as `backstage-setup explain login.password`. The statements are for an administrator of the server."},
		{"database.postgresql.rights", "Backstage can keep its data there",
			"Looks whether the role may create databases, at the plugins' databases that are there and who owns them, and at the server's version, encoding and whether it can be written.",
			"Run the statement that is named as an administrator of the server, such as ALTER ROLE ... CREATEDB."},
		{"database.postgresql.capacity", "There are connections enough",
			"Compares the connections that are free with what the portal opens at most: plugins, times the pool of each, times the pods of a roll-out. Tells what is known of a pooler in between.",
			"Run fewer replicas, make the pool smaller with APP_CONFIG_backend_database_knexConfig_pool_max, or raise max_connections."},
		{"database.sqlite.volume", "SQLite's volume fits",
			"Compares the size, storage class and access mode that are asked for with the PersistentVolumeClaim that is there, such as one that was kept when SQLite was left. Kubernetes changes nothing of it but the size, upwards; helm takes up only one of its own release.",
			"Answer what the claim has, or delete it with its data and start with an empty one."},
		{"release.status", "The release can be upgraded",
			"A Helm release in the middle of an operation, or whose first installation failed, refuses or misleads the next upgrade.",
			"Run the command that is named: it brings the release to a known state."},
		{"release.helm", "helm can be run",
			"With --upgrade, and to undo an upgrade, your own helm is run: it is looked for, and asked for its version, before anything is written.",
			"Install Helm 3.12 or newer, or leave --upgrade out and run the printed command yourself."},
		{"chart.minor-change", "The chart keeps its minor version",
			"Another minor version of the chart upgrades the whole control plane, not only the portal's settings.",
			"Leave --chart out to change settings only. To upgrade, read the release notes and run with --accept chart.minor-change."},
		{"chart.version", "The chart's version",
			"Warns of releases whose portal image has a known fault, and says from which release on it is mended. Changing settings never changes the version by itself.",
			"Upgrade to the release that is named, within the same minor version."},
		{"values.drops", "The upgrade keeps the release's values",
			"helm upgrade with -f takes the given files and nothing else: values that were given to the release before, with --set or another file, silently go. They are compared with the files as they are after the change.",
			"Add the values that are named to a file, or give the file that has them with -f. To let them go on purpose, run with --accept values.drops."},
		{"chart.values", "The chart accepts the values",
			"Holds the values, as they would be after the change, against the chart's schema, its check for placeholder domains and its templates. Without the chart at hand it knows the portal's own keys only.",
			"Change the values that are named. With --chart DIRECTORY or a .tgz archive the whole chart is checked."},
		{"files.writable", "The files can be written",
			"Looks, without writing, whether the values file and the Secret manifest may be written: a file that is write-protected (mode 0444) is meant to stay as it is, for root too, and a new file is made beside the old one, so the directory must be writable.",
			"Run chmod u+w on the file if it may be changed, or name another one with --values, --edit or --secret-out. On a read-only file system, work on a copy elsewhere."},
	}, examinationDocs()...)
}

// verdictEntries are the codes that a check of the identity provider or of
// PostgreSQL can end with. Some are of both.
func verdictEntries() []Entry {
	var entries []Entry
	for _, k := range idp.Kinds() {
		e := verdictEntry(k.ID, string(k.Class), k.Cause, k.Fix)
		e.Group = "Codes of the identity checks"
		if k.ID == "tls.private" {
			e.Do += " `backstage-setup explain private-ca` says what the portal and the API each need."
		}
		entries = append(entries, e)
	}
	for _, k := range postgres.Kinds() {
		e := verdictEntry(k.ID, string(k.Class), k.Cause, k.Fix)
		e.Group = "Codes of the PostgreSQL checks"
		e.Title += " of PostgreSQL's checks"
		entries = append(entries, e)
	}
	return append(entries, examinationCodes()...)
}

func verdictEntry(id, class, cause, fix string) Entry {
	e := Entry{Kind: VerdictEntry, Name: id, Title: verdictTitles[class], Meaning: "Nothing is wrong."}
	if cause != "" {
		e.Meaning = strings.ToUpper(cause[:1]) + cause[1:] + "."
	}
	if fix != "" {
		e.Do = strings.ToUpper(fix[:1]) + fix[1:]
		if !strings.Contains(fix, "\n") && !strings.HasSuffix(fix, ";") { // what is to be pasted stays as it is
			e.Do += "."
		}
	}
	return e
}

// verdictTitles are by class, which idp and postgres call the same.
var verdictTitles = map[string]string{
	"pass": "a pass", "warn": "a warning", "inconclusive": "cannot be known from here", "fail": "a failure",
}

func checkEntries() []Entry {
	docs := CheckDocs()
	entries := make([]Entry, len(docs))
	for i, d := range docs {
		entries[i] = Entry{Kind: CheckEntry, Name: d.ID, Group: "Checks", Title: d.Title, Meaning: d.Meaning, Do: d.Do}
	}
	return entries
}
