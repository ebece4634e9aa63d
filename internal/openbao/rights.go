package openbao

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
)

// Rights are what the token may do with an entry.
type Rights struct {
	Read         bool
	Create       bool // write the first version
	Update       bool // write any other, also after the latest was deleted
	Delete       bool // what DeleteNew needs
	ReadMetadata bool
	ReadLimits   bool
}

// Rights asks the server what the token may do with the entry at path. The
// answer is by paths: a policy that also looks at parameters may still refuse.
// ErrForbidden: the token may not even ask, which the policy "default" allows.
func (s *Store) Rights(ctx context.Context, path string) (Rights, error) {
	if err := checkPath("path", path); err != nil {
		return Rights{}, err
	}
	data, mark := s.mount+"/data/"+path, s.mount+"/delete/"+path
	metadata, config := s.mount+"/metadata/"+path, s.mount+"/config"
	body, err := json.Marshal(map[string][]string{"paths": {data, mark, metadata, config}})
	if err != nil {
		return Rights{}, err
	}
	c := call{verb: "check", right: "update", method: http.MethodPost, path: "sys/capabilities-self", body: body}
	a, err := s.send(ctx, &c)
	if err != nil {
		return Rights{}, err
	}
	if a.status != http.StatusOK {
		return Rights{}, c.refusal(a)
	}
	var said map[string]json.RawMessage
	if err := c.decode(a, &said); err != nil {
		return Rights{}, err
	}
	broken := false
	may := func(path, capability string) bool {
		var has []string
		if json.Unmarshal(said[path], &has) != nil {
			broken = true
		}
		return slices.Contains(has, "root") || slices.Contains(has, capability)
	}
	r := Rights{
		Read: may(data, "read"), Create: may(data, "create"), Update: may(data, "update"),
		Delete:       may(data, "delete") || may(mark, "update"),
		ReadMetadata: may(metadata, "read"), ReadLimits: may(config, "read"),
	}
	if broken {
		return Rights{}, c.unreadable(a.status, "the answer does not tell the token's rights")
	}
	return r, nil
}
