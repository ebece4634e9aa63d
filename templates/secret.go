package templates

func secretKeys(release string) []SecretKey {
	postgresql := When{Key: "database.type", Value: "postgresql"}
	authenticated := When{Key: "security.authentication", Value: "true"}
	keys := []SecretKey{
		{
			Name: "backend-secret", Key: "backendSecret",
			Meaning: "Random text that the chart asks for. The portal's own configuration does not read it; its tokens are signed with keys in the database.",
		},
		{
			Name: "client-secret", Key: "client.secret",
			Meaning:     "Secret of the OAuth client with which people sign in.",
			Placeholder: true, Used: authenticated,
		},
	}
	if !before(release, v110) {
		keys = append(keys, SecretKey{
			Name: "service-client-secret", NamePath: "backstage.auth.serviceClientSecretKey", Key: "serviceClient.secret",
			Meaning:     "Secret of the OAuth client with which the portal calls the API for itself.",
			Required:    When{Key: "serviceClient.id"},
			Placeholder: true, Used: authenticated,
		})
	}
	keys = append(keys,
		SecretKey{
			Name: "jenkins-api-key", Key: "jenkins.apiKey",
			Meaning:     "API key of the Jenkins user. The pods do not start without the key, even where Jenkins is not used.",
			Placeholder: true, Used: When{Key: "jenkins.enabled", Value: "true"},
		},
		SecretKey{Name: "postgres-host", Key: "database.postgresql.host", Required: postgresql, Used: postgresql, Meaning: "Host name of PostgreSQL. With TLS it has to be the name in the certificate."},
		SecretKey{Name: "postgres-port", Key: "database.postgresql.port", Required: postgresql, Used: postgresql, Meaning: "Port of PostgreSQL."},
		SecretKey{Name: "postgres-user", Key: "database.postgresql.user", Required: postgresql, Used: postgresql, Meaning: "Role with which the portal logs in to PostgreSQL. It needs the right to connect to the database postgres and to create databases."},
		SecretKey{Name: "postgres-password", Key: "database.postgresql.password", Required: postgresql, Used: postgresql, Meaning: "Password of that role."},
		SecretKey{Name: "postgres-db", Key: "database.postgresql.database", Required: postgresql, Used: postgresql, Meaning: "The chart asks for it, but the portal makes one database per plugin instead, unless it is told to use one for all."},
	)
	if !before(release, v120) {
		github := When{Key: "githubActions.enabled", Value: "true"}
		oauth := When{Key: "githubActions.oauthClientId"}
		keys = append(keys,
			SecretKey{Name: "github-actions-token", Key: "githubActions.token", Required: github, Used: github, Optional: true, Meaning: "Token with which the portal reads GitHub Actions."},
			SecretKey{Name: "github-oauth-client-secret", Key: "githubActions.oauthClientSecret", Required: oauth, Used: oauth, Optional: true, Meaning: "Secret of the GitHub OAuth app with which people sign in to GitHub."},
		)
	}
	return keys
}
