package k8s

import (
	"context"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// StorageClasses are those of the cluster.
type StorageClasses struct {
	Names   []string // sorted
	Default string   // "" when none is marked
	Unknown string
}

func (c *Client) storageClasses(ctx context.Context) StorageClasses {
	var (
		list metav1.PartialObjectMetadataList
		out  StorageClasses
	)
	if err := c.list(ctx, kind{"storage.k8s.io", "v1", "storageclasses"}, "", "", 100, &list); err != nil {
		return StorageClasses{Unknown: unknown(err)}
	}
	// Of several defaults Kubernetes takes the newest.
	slices.SortFunc(list.Items, func(a, b metav1.PartialObjectMetadata) int {
		return b.CreationTimestamp.Compare(a.CreationTimestamp.Time)
	})
	for _, class := range list.Items {
		out.Names = append(out.Names, class.Name)
		if out.Default == "" && class.Annotations["storageclass.kubernetes.io/is-default-class"] == "true" {
			out.Default = class.Name
		}
	}
	slices.SortFunc(out.Names, strings.Compare)
	return out
}
