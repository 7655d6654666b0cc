"""Prowler, where it is installed: its checks of the same controls on the same account."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bench.measure import Command

CHECKS = (
    "kms_cmk_rotation_enabled", "kms_key_not_publicly_accessible", "s3_bucket_kms_encryption",
    "s3_bucket_server_access_logging_enabled", "s3_bucket_level_public_access_block", "s3_bucket_public_access",
    "s3_bucket_secure_transport_policy", "s3_bucket_object_versioning", "s3_bucket_object_lock",
    "s3_bucket_lifecycle_enabled", "rds_instance_storage_encrypted", "rds_cluster_storage_encrypted",
    "rds_instance_backup_enabled", "rds_snapshots_encrypted", "ec2_ebs_volume_encryption",
    "ec2_ebs_default_encryption", "ec2_ebs_snapshots_encrypted", "dynamodb_tables_kms_cmk_encryption_enabled",
    "efs_encryption_at_rest_enabled", "sns_topics_kms_encryption_at_rest_enabled",
    "sqs_queues_server_side_encryption_enabled", "cloudwatch_log_group_kms_encryption_enabled",
    "cloudwatch_log_group_retention_policy_specific_days_enabled", "backup_vaults_encrypted", "backup_plans_exist",
    "backup_recovery_point_encrypted", "iam_root_mfa_enabled", "iam_no_root_access_key", "iam_avoid_root_usage",
    "iam_user_mfa_enabled_console_access", "iam_password_policy_minimum_length_14", "iam_password_policy_reuse_24",
    "iam_rotate_access_key_90_days", "iam_inline_policy_no_administrative_privileges",
    "iam_customer_attached_policy_no_administrative_privileges", "iam_policy_no_full_access_to_kms",
    "secretsmanager_automatic_rotation_enabled", "secretsmanager_secret_rotated_periodically",
    "awslambda_function_no_secrets_in_variables", "ecs_task_definitions_no_environment_secrets",
    "ec2_securitygroup_allow_ingress_from_internet_to_any_port", "ec2_securitygroup_default_restrict_traffic",
    "ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_22", "ec2_networkacl_allow_ingress_tcp_port_22",
    "vpc_flow_logs_enabled", "rds_instance_no_public_access",
    "cloudtrail_multi_region_enabled_logging_management_events",
    "cloudtrail_log_file_validation_enabled", "cloudtrail_kms_encryption_enabled", "guardduty_is_enabled",
    "guardduty_no_high_severity_findings", "securityhub_enabled", "config_recorder_all_regions_enabled",
    "cloudwatch_alarm_actions_enabled", "cloudwatch_alarm_actions_alarm_state_configured",
    "elbv2_insecure_ssl_ciphers", "elbv2_ssl_listeners", "elbv2_is_in_multiple_az", "elbv2_logging_enabled",
    "elbv2_waf_acl_attached", "wafv2_webacl_logging_enabled", "wafv2_webacl_with_rules",
    "ecr_repositories_scan_images_on_push_enabled", "autoscaling_group_multiple_az",
)  # fmt: skip
NOT_INSTALLED = "not measured: prowler is not installed"


def prowler(endpoint: str, folder: Path) -> Command | None:
    """The command, or None where there is no Prowler: PROWLER in the environment, or the one on the path."""
    found = os.environ.get("PROWLER") or shutil.which("prowler")
    if not found:
        return None
    # Its retries are off: what the test cloud lacks would be asked again for half a minute.
    options = [
        "--region",
        "us-east-1",
        "--aws-retries-max-attempts",
        "0",
        "-M",
        "csv",
        "-o",
        str(folder),
        "--no-banner",
    ]
    environment = ["env", f"AWS_ENDPOINT_URL={endpoint}", "PYTHONPATH="]
    return Command([*environment, found, "aws", *options, "-c", *CHECKS], cwd=folder, codes=(0, 3))
