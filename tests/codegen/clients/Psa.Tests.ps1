# What the module says to the platform, and what it makes of the answers; run by test_powershell.py where there is pwsh.

BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'Psa') -Force
    $key = ConvertTo-SecureString 'psa_key' -AsPlainText -Force
    Connect-Psa -Uri 'https://psa.example.com/' -ApiKey $key
    function New-Answer($value, $headers = @{}) {
        [pscustomobject]@{ Content = (ConvertTo-Json $value -Depth 10); Headers = $headers }
    }
}

Describe 'Get-PsaTicket' {
    It 'asks for a page, with the key and the filter' {
        Mock Invoke-WebRequest -ModuleName Psa { New-Answer @{ data = @(@{ number = 'T-1' }); page = @{ hasMore = $false; nextCursor = $null } } }
        (Get-PsaTicket -Filter @{ status = 'open' } -Fields number, title -Limit 2).number | Should -Be 'T-1'
        Should -Invoke Invoke-WebRequest -ModuleName Psa -Times 1 -Exactly -ParameterFilter {
            $Headers['X-API-Key'] -eq 'psa_key' -and $Uri -match '^https://psa.example.com/api/v1/tickets\?' -and
            $Uri -match 'status=open' -and $Uri -match 'limit=2' -and $Uri -match 'fields=number%2Ctitle'
        }
    }
    It 'follows cursors when everything is wanted' {
        $script:asked = 0
        Mock Invoke-WebRequest -ModuleName Psa {
            $script:asked++
            New-Answer @{ data = @(@{ number = "T-$($script:asked)" }); page = @{ hasMore = ($script:asked -lt 3); nextCursor = 'c' } }
        }
        (Get-PsaTicket -All).number | Should -Be @('T-1', 'T-2', 'T-3')
    }
    It 'asks for one by its id' {
        Mock Invoke-WebRequest -ModuleName Psa { New-Answer @{ id = '1'; title = 'One' } @{ ETag = '"3"' } }
        $ticket = Get-PsaTicket -Id 'T-2026/1'
        $ticket.title | Should -Be 'One'
        $ticket.ETag | Should -Be '"3"'
        Should -Invoke Invoke-WebRequest -ModuleName Psa -ParameterFilter { $Uri -match '/tickets/T-2026%2F1$' }
    }
}

Describe 'commands' {
    It 'changes with a merge patch, guarded by the version' {
        Mock Invoke-WebRequest -ModuleName Psa { New-Answer @{ id = '1' } }
        Set-PsaTicket -Id 1 -Body @{ title = 'New' } -IfMatch '"3"' -Confirm:$false
        Should -Invoke Invoke-WebRequest -ModuleName Psa -ParameterFilter {
            $Method -eq 'Patch' -and $Headers['If-Match'] -eq '"3"' -and $ContentType -match 'merge-patch' -and $Headers['Idempotency-Key']
        }
    }
    It 'asks nothing with -WhatIf, and tries with -DryRun' {
        Mock Invoke-WebRequest -ModuleName Psa { New-Answer @{ id = '1' } }
        New-PsaTicket -Body @{ title = 'New' } -WhatIf
        Should -Invoke Invoke-WebRequest -ModuleName Psa -Times 0 -Exactly
        Invoke-PsaTicketAction resolve -Id 1 -Body @{ resolution = 'Done.' } -DryRun
        Should -Invoke Invoke-WebRequest -ModuleName Psa -Times 1 -ParameterFilter { $Headers['Prefer'] -eq 'dry-run' }
    }
    It 'throws the problem with its code' {
        Mock Invoke-WebRequest -ModuleName Psa {
            $record = [Management.Automation.ErrorRecord]::new([Exception]::new('422'), 'x', 'InvalidOperation', $null)
            $record.ErrorDetails = '{"status": 422, "code": "VALIDATION", "detail": "title is empty."}'
            throw $record
        }
        { New-PsaTicket -Body @{ title = '' } -Confirm:$false } | Should -Throw -ErrorId 'VALIDATION*'
    }
}
