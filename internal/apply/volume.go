package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// keepVolume annotates the claim. What somebody else writes to it meanwhile, such
// as its status, is theirs.
func (r *run) keepVolume(ctx context.Context, a plan.KeepVolume) (Status, error) {
	return persist(ctx, func() (Status, error) {
		claim, err := r.env.Cluster.Claim(ctx, a.Namespace, a.Claim.Name)
		switch {
		case errors.Is(err, k8s.ErrNotFound), err == nil && claim.UID != a.Claim.UID:
			return Failed, fmt.Errorf("claim %s/%s: %w: it is not there any more", a.Namespace, a.Claim.Name, k8s.ErrChanged)
		case err != nil:
			return Failed, err
		}
		set := map[string]string{}
		for name, value := range a.Claim.Set {
			if claim.Annotations[name] != value {
				set[name] = value
			}
		}
		if len(set) == 0 {
			return Unchanged, nil
		}
		_, err = r.env.Cluster.AnnotateClaim(ctx, a.Namespace, a.Claim.Name, claim.ResourceVersion, set)
		return Done, err
	})
}

// freeVolume takes back what keepVolume has set and is still so. A claim that is
// gone, or was made anew, has nothing of it.
func (r *run) freeVolume(ctx context.Context, a plan.FreeVolume) (Status, error) {
	return persist(ctx, func() (Status, error) {
		claim, err := r.env.Cluster.Claim(ctx, a.Namespace, a.Claim.Name)
		switch {
		case errors.Is(err, k8s.ErrNotFound), err == nil && claim.UID != a.Claim.UID:
			return Unchanged, nil
		case err != nil:
			return Failed, err
		}
		back := map[string]string{}
		for name, value := range a.Claim.Set {
			if claim.Annotations[name] == value {
				back[name] = a.Claim.Before[name]
			}
		}
		if len(back) == 0 {
			return Unchanged, nil
		}
		_, err = r.env.Cluster.AnnotateClaim(ctx, a.Namespace, a.Claim.Name, claim.ResourceVersion, back)
		return Done, err
	})
}
