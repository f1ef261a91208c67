@{
    RootModule = 'Psa.psm1'
    ModuleVersion = '1.0.0'
    GUID = '6d2f4a67-6f0f-4c1a-9a53-2c8f0b7d9e11'
    Author = 'psa-platform'
    Copyright = 'Apache-2.0'
    Description = 'The REST interface of psa-platform, /api/v1: customers, tickets, assets, invoices, and everything else.'
    PowerShellVersion = '5.1'
    CompatiblePSEditions = @('Desktop', 'Core')
    FunctionsToExport = @('Connect-Psa', 'Disconnect-Psa', 'Invoke-PsaApi', 'Invoke-PsaBulk', 'Get-Psa*', 'New-Psa*', 'Set-Psa*', 'Remove-Psa*', 'Invoke-Psa*')
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
}
