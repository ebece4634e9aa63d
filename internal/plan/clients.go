package plan

// ShareClient lets the client that people sign in with make the portal's own
// calls again: the values then name no other key of the Secret. A key that is
// there stays.
func (p *Plan) ShareClient() {
	if sk, ok := p.in.Profile.SecretKey("serviceClient.secret"); ok && sk.NamePath != "" {
		if name, ok := p.in.Profile.Defaults[sk.NamePath].(string); ok {
			p.write("serviceClient.id", sk.NamePath, name)
		}
	}
}
