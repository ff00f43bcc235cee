-- Host keys of ssh remotes: given at registration, pinned at first use, or trusted by somebody.
ALTER TABLE gitops_repositories ADD COLUMN ssh_host_key VARCHAR;
